import { createHmac, createSecretKey } from "node:crypto";
import { describe, expect, it } from "vitest";
import { GOLDEN_ACCESS_KEY_ID, GOLDEN_REQUESTS, GOLDEN_SECRET, headersOf } from "../test/fixtures/golden-requests.ts";
import { SIGNATURE_VECTORS } from "../test/fixtures/signature-vectors.ts";
import {
  formatAuthorization,
  parseAuthorization,
  type SignedRequest,
  sign,
  stringToSign,
  verifySignature,
} from "./signature.ts";

const SECRET = "s3cret";
const key = (secret: string) => createSecretKey(Buffer.from(secret));
const date = "Thu, 01 Jan 2026 00:00:00 GMT";

function aRequest(parts: Partial<SignedRequest> = {}): SignedRequest {
  const headers = { "content-type": "text/xml", date, "x-mq-version": "2015-06-06" };
  return { method: "GET", target: "/topics/T/messages?consumer=g", headers, ...parts };
}

/** Whether what was signed for one request passes for another. */
function passes(received: SignedRequest, signed: SignedRequest): boolean {
  return verifySignature(received, key(SECRET), sign(SECRET, stringToSign(signed))).valid;
}

describe("vectors and captured requests", () => {
  it.each(SIGNATURE_VECTORS)("WIRE-23: the vector $id of $sdk verifies", ({ secret, signature, ...request }) => {
    expect(sign(secret, stringToSign(request))).toBe(signature);
    expect(verifySignature(request, key(secret), signature).valid).toBe(true);
    expect(verifySignature(request, key(`${secret}!`), signature).valid).toBe(false);
  });

  it("WIRE-23: the string to sign of V1 is the one that Node signs", () => {
    expect(stringToSign(SIGNATURE_VECTORS[0] as SignedRequest)).toBe(
      "POST\nZmYzMzQzY2JiM2Y0YTI2NWQ4NWNiMzIwZjBkODExZDM=\ntext/xml;charset=utf-8\nThu, 01 Jan 2026 00:00:00 GMT\n" +
        "x-mq-version:2015-06-06\n/topics/TopicA/messages?ns=MQ_INST_demo",
    );
  });

  it.each(GOLDEN_REQUESTS)("WIRE-23: the golden request $id verifies: $title", (golden) => {
    const headers = headersOf(golden);
    const authorization = parseAuthorization(headers.authorization ?? "");
    expect(authorization?.accessKeyId).toBe(GOLDEN_ACCESS_KEY_ID);
    const request = { method: golden.method, target: golden.target, headers };
    expect(verifySignature(request, key(GOLDEN_SECRET), authorization?.signature ?? "").valid).toBe(true);
  });
});

describe("the string to sign", () => {
  it("WIRE-24: an absent Content-Type is an empty line", () => {
    const request = aRequest({ headers: { date, "x-mq-version": "2015-06-06" } });
    expect(stringToSign(request)).toBe(`GET\n\n\n${date}\nx-mq-version:2015-06-06\n/topics/T/messages?consumer=g`);
  });

  it("WIRE-25: Content-Type is signed byte for byte", () => {
    const typed = (type: string) => aRequest({ headers: { date, "content-type": type } });
    const types = ["text/xml", "text/xml;charset=utf-8", "text/xml;charset=UTF-8"];
    for (const sent of types) {
      for (const signed of types) expect(passes(typed(sent), typed(signed))).toBe(sent === signed);
    }
  });

  it("WIRE-8: header names are taken in any case", () => {
    const lower = aRequest({ headers: { date, "content-md5": "m", "content-type": "t", "x-mq-version": "v" } });
    const mixed = aRequest({ headers: { Date: date, "Content-Md5": "m", "Content-Type": "t", "X-Mq-Version": "v" } });
    expect(stringToSign(mixed)).toBe(stringToSign(lower));
  });

  it("WIRE-26: x-mq- header names are lower-cased and sorted", () => {
    const headers = { "X-MQ-Zebra": " z ", date, "x-mq-version": "v", "X-Mq-Apple": "a", "x-mqx": "not one" };
    expect(stringToSign(aRequest({ headers }))).toBe(
      `GET\n\n\n${date}\nx-mq-apple:a\nx-mq-version:v\nx-mq-zebra:z\n/topics/T/messages?consumer=g`,
    );
  });

  it("WIRE-27: the query is signed as received: encoded, in its order", () => {
    const target = "/topics/T/messages?tag=a%7c%7Cb&consumer=g";
    expect(stringToSign(aRequest({ target })).endsWith(`\n${target}`)).toBe(true);
    expect(passes(aRequest({ target }), aRequest({ target: "/topics/T/messages?tag=a||b&consumer=g" }))).toBe(false);
    expect(passes(aRequest({ target }), aRequest({ target: "/topics/T/messages?consumer=g&tag=a%7c%7Cb" }))).toBe(
      false,
    );
  });

  it("WIRE-3: a bare ? is signed", () => {
    const bare = aRequest({ method: "POST", target: "/topics/T/messages?" });
    expect(passes(bare, bare)).toBe(true);
    expect(passes(bare, aRequest({ method: "POST", target: "/topics/T/messages" }))).toBe(false);
  });

  it("WIRE-28: security-token is not signed", () => {
    const withToken = aRequest({ headers: { ...aRequest().headers, "security-token": "sts" } });
    expect(stringToSign(withToken)).toBe(stringToSign(aRequest()));
  });
});

describe("what some SDKs sign instead of what they send", () => {
  const at = (target: string) => aRequest({ target });

  it("WIRE-29: the path may be signed decoded (Go, PHP, C#)", () => {
    const sent = at("/topics/%25DLQ%25G/messages?tag=a%7Cb");
    expect(passes(sent, at("/topics/%DLQ%G/messages?tag=a%7Cb"))).toBe(true);
    expect(passes(sent, at("/topics/%DLQ%G/messages?tag=a|b"))).toBe(false);
    expect(passes(sent, at("/topics/G/messages?tag=a%7Cb"))).toBe(false);
  });

  it("WIRE-29: a decoded path is signed in UTF-8", () => {
    const signed = Buffer.from("/topics/中 文/messages").toString("latin1");
    expect(passes(at("/topics/%E4%B8%AD%20%E6%96%87/messages"), at(signed))).toBe(true);
  });

  it("raw bytes beyond ASCII are signed as they came, one character for each", () => {
    const asSdksSign = createHmac("sha1", SECRET).update("/topics/中/messages", "utf8").digest("base64");
    expect(sign(SECRET, Buffer.from("/topics/中/messages").toString("latin1"))).toBe(asSdksSign);
  });

  it("WIRE-19: slashes at the beginning may be signed as one (Node)", () => {
    expect(passes(at("//topics/T/messages?ns=i"), at("/topics/T/messages?ns=i"))).toBe(true);
    expect(passes(at("/topics/T/messages?ns=i"), at("//topics/T/messages?ns=i"))).toBe(false);
  });

  it("a refusal can show the string for the target as received", () => {
    const request = at("//topics/%25T/messages");
    expect(verifySignature(request, key(SECRET), "x")).toEqual({ valid: false, signed: stringToSign(request) });
  });

  it("a signature that is empty, cut, longer or of other letters does not pass", () => {
    const good = sign(SECRET, stringToSign(aRequest()));
    for (const bad of ["", good.slice(1), `${good}=`, `${good} `, good.toLowerCase(), "é".repeat(14)]) {
      expect(verifySignature(aRequest(), key(SECRET), bad).valid).toBe(false);
    }
  });
});

describe("Authorization", () => {
  it("WIRE-36: names key and signature", () => {
    expect(parseAuthorization("MQ ak:c2ln=")).toEqual({ accessKeyId: "ak", signature: "c2ln=" });
    expect(parseAuthorization("MQ ak:a:b")).toEqual({ accessKeyId: "ak", signature: "a:b" });
    expect(parseAuthorization(formatAuthorization("ak", "s"))).toEqual({ accessKeyId: "ak", signature: "s" });
  });

  it.each(["", "MQ", "MQ ", "MQ ak", "MQ :sig", "MQ ak:", "mq ak:sig", "MQ  ak:sig", "MNS ak:sig", " MQ ak:sig"])(
    "WIRE-36: %j is malformed",
    (value) => {
      expect(parseAuthorization(value)).toBeUndefined();
    },
  );
});
