import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, it } from "vitest";
import { ask, askOn, elementsOf, expectReadable, headerOf, verdictOf } from "../process/ask.ts";
import { BrokerProcess, cleanUp, newDirectory } from "../process/broker-process.ts";
import { RawClient } from "../process/raw-client.ts";
import {
  type AnyRequest,
  acknowledge,
  aMessage,
  formatRequest,
  handlesDocument,
  messagesOf,
  poll,
  publish,
} from "../process/signed-request.ts";

const KIB = 1_024;
const MIB = 1_024 * KIB;
const MINUTE = 60_000;
const INVALID = "400 InvalidArgument";
const MALFORMED = "400 MalformedXML";

/** Strict, with a topic of each kind: whatever is let in here was meant to be. */
let broker: BrokerProcess;

beforeAll(async () => {
  const startedIn = await newDirectory();
  const file = [
    "version: 1",
    "users: [ { name: shop, keys: [ { id: shop, secret: { env: SHOP_SECRET } } ] } ]",
    "instances:",
    "  - id: MQ_INST_shop",
    "    topics:",
    ...["normal", "delayed", "transactional"].map((kind) => `      - { name: ${kind}, kind: ${kind} }`),
    "      - { name: empty, kind: normal }",
    "    groups: [ { id: GID_a, from: earliest }, { id: GID_b, from: earliest } ]",
    "",
  ].join("\n");
  await writeFile(join(startedIn, "stagemq.yaml"), file);
  broker = await BrokerProcess.start({ command: "serve", startedIn, environment: { SHOP_SECRET: "hush" } });
});

afterAll(async () => {
  await broker.stop();
  await cleanUp();
});

const byShop = (request: AnyRequest): AnyRequest => ({ accessKeyId: "shop", secret: "hush", ...request });
const document = (body: string | Buffer): AnyRequest => byShop({ target: messagesOf("normal"), body });
const GOOD = byShop(publish("normal"));
const IDLE = byShop(poll("empty", "GID_a"));
const without = (header: string) => byShop({ ...publish("normal"), headers: { [header]: undefined } });
const withHeader = (header: string, value: string) => byShop({ ...publish("normal"), headers: { [header]: value } });

/** What to send, and the verdict on it. */
type Wrong = readonly [what: string, request: () => AnyRequest, verdict: string];

/** Refused as it should be, readable for all SDKs; and the next request on the same connection is served (REQ-3). */
function eachIsRefused(rules: string, wrongs: readonly Wrong[]): void {
  for (const [what, request, verdict] of wrongs) {
    it(`${rules}: ${what} is ${verdict}, and its connection stays usable`, async ({ expect }) => {
      const client = await RawClient.connect(broker.endpoint);
      expect(verdictOf(await askOn(client, request()))).toBe(verdict);
      expect(verdictOf(await askOn(client, IDLE))).toBe("404 MessageNotExist");
      client.close();
    });
  }
}

describe.concurrent("who asks", () => {
  eachIsRefused("REQ-3.1", [
    ["no signature", () => without("Authorization"), "400 MissingAuthorizationHeader"],
    ["a signature of another sort", () => withHeader("Authorization", "AWS4 x"), "400 InvalidAuthorizationHeader"],
    ["a wrong secret", () => ({ ...GOOD, secret: "guess" }), "403 SignatureDoesNotMatch"],
    ["an unknown key", () => ({ ...GOOD, accessKeyId: "nobody" }), "403 InvalidAccessKeyId"],
    [
      "a signature for another topic",
      () => ({ ...GOOD, signedTarget: messagesOf("delayed") }),
      "403 SignatureDoesNotMatch",
    ],
    ["a signature of no bytes", () => withHeader("Authorization", "MQ shop:"), "400 InvalidAuthorizationHeader"],
    [
      "a signature that is no Base64",
      () => withHeader("Authorization", "MQ shop:ÿþ not base64"),
      "400 InvalidAuthorizationHeader",
    ],
    ["no date", () => without("Date"), "400 MissingDateHeader"],
    ["a date that is none", () => withHeader("Date", "yesterday"), "400 InvalidDateHeader"],
    ["a signature of 16 min ago", () => ({ ...GOOD, date: Date.now() - 16 * MINUTE }), "408 TimeExpired"],
    ["a signature of in 16 min", () => ({ ...GOOD, date: Date.now() + 16 * MINUTE }), "408 TimeExpired"],
    [
      "a wrong digest",
      () => withHeader("Content-MD5", "MTkxOWQyY2ZkZWZiNTJlOTI4YjA0MDhjYjcyY2QyZmQ="),
      "400 InvalidDigest",
    ],
  ]);
});

describe.concurrent("XML", () => {
  const inBody = (text: string) => () => document(aMessage({ body: text }));
  const aDoctype = (declaration: string) => () => document(`<!DOCTYPE Message ${declaration}>${aMessage()}`);
  eachIsRefused("REQ-3.1", [
    ["what is none", () => document("{}"), MALFORMED],
    ["what does not end", () => document("<Message><MessageBody>a</MessageBody>"), MALFORMED],
    ["two roots", () => document(aMessage() + aMessage()), MALFORMED],
    ["a DOCTYPE", aDoctype(""), MALFORMED],
    ["an external entity", aDoctype('[<!ENTITY x SYSTEM "file:///etc/passwd">]'), MALFORMED],
    ["an entity that grows", aDoctype('[<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]'), MALFORMED],
    ["an entity that nobody defined", inBody("&lol;"), MALFORMED],
    ["]]> inside CDATA", inBody("<![CDATA[a]]>b]]>"), MALFORMED],
    ["a control character", inBody("a\u0001b"), MALFORMED],
    ["a reference to one", inBody("&#x1;"), MALFORMED],
    ["a reference beyond Unicode", inBody("&#99999999999;"), MALFORMED],
    ["half a surrogate", inBody("&#xD800;"), MALFORMED],
    [
      "bytes that are no UTF-8",
      () => document(Buffer.from(aMessage({ body: "\xff\xfe\xc0\x80" }), "latin1")),
      MALFORMED,
    ],
    ["UTF-16", () => document(Buffer.from(`\uFEFF${aMessage()}`, "utf16le")), MALFORMED],
    [
      "UTF-16 that says so",
      () => document(Buffer.from('<?xml version="1.0" encoding="UTF-16"?><Message/>', "utf16le")),
      MALFORMED,
    ],
    ["another encoding declared", () => document(`<?xml version="1.0" encoding="GBK"?>${aMessage()}`), MALFORMED],
    ["two byte order marks", () => document(`\uFEFF\uFEFF${aMessage()}`), MALFORMED],
    ["an overlong slash", () => document(Buffer.from(aMessage({ body: "\xc0\xaf" }), "latin1")), MALFORMED],
    ["surrogates in UTF-8", () => document(Buffer.from(aMessage({ body: "\xed\xa0\x80" }), "latin1")), MALFORMED],
    ["a zero in a tag", () => document(aMessage().replace("MessageBody>", "Message\0Body>")), INVALID],
    [
      "50,000 attributes",
      () => document(`<Message ${Array.from({ length: 50_000 }, (_, n) => `a${n}=""`).join(" ")}/>`),
      INVALID,
    ],
    [
      "a compressed document",
      () => byShop({ ...publish("normal"), body: gzipSync(aMessage()), headers: { "Content-Encoding": "gzip" } }),
      MALFORMED,
    ],
    ["nothing but zeros", () => document(Buffer.alloc(MIB)), MALFORMED],
    ["100,000 levels", () => document("<a>".repeat(100_000)), INVALID],
    ["4 MiB of attributes", () => document(`<Message ${'a="b" '.repeat(700_000)}/>`), INVALID],
    ["24 MiB of one tag", () => document(`<${"M".repeat(24 * MIB)}`), INVALID],
    ["24 MiB of brackets", () => document("<".repeat(24 * MIB)), MALFORMED],
    ["another root", () => document(handlesDocument("h")), INVALID],
    ["an unknown element", () => document("<Message><Body>a</Body></Message>"), INVALID],
    ["a message without a body", () => document("<Message></Message>"), INVALID],
    [
      "a document of handles as a publish's",
      () => byShop({ ...acknowledge("normal", "GID_a"), body: aMessage() }),
      INVALID,
    ],
  ]);
});

describe.concurrent("sizes", () => {
  const bytes = (count: number) => "x".repeat(count);
  const delayed = `__STARTDELIVERTIME:${Date.now() + 60 * MINUTE}|`;
  eachIsRefused("PUB-4.5", [
    ["an empty body", () => byShop(publish("normal", { body: "" })), INVALID],
    ["a body of 4 MiB and a byte", () => byShop(publish("normal", { body: bytes(4 * MIB + 1) })), INVALID],
    ["the same, escaped six-fold", () => byShop(publish("normal", { body: "&#x26;".repeat(4 * MIB + 1) })), INVALID],
    [
      "a delayed body of 64 KiB and a byte",
      () => byShop(publish("delayed", { body: bytes(64 * KIB + 1), properties: delayed })),
      INVALID,
    ],
    [
      "a half body of 64 KiB and a byte",
      () => byShop(publish("transactional", { body: bytes(64 * KIB + 1), properties: "__TransCheckT:10|" })),
      INVALID,
    ],
    ["properties over 16 KiB", () => byShop(publish("normal", { properties: `k:${bytes(16 * KIB)}|` })), INVALID],
    ["a tag of 65 characters", () => byShop(publish("normal", { tag: bytes(65) })), INVALID],
    [
      "more than 64 KiB of handles",
      () => byShop(acknowledge("normal", "GID_a", ...Array<string>(9_000).fill("12345678"))),
      INVALID,
    ],
  ]);

  it("PUB-4.1 and REQ-2.1: a body of 4 MiB escaped six-fold is taken", async ({ expect }) => {
    const response = await ask(broker, byShop(publish("normal", { body: "&#x26;".repeat(4 * MIB) })));
    expect(verdictOf(response)).toBe("201");
  });

  it("REQ-3.1: a request over 25 MiB is refused, declared or not, and its connection stays usable", async ({
    expect,
  }) => {
    const client = await RawClient.connect(broker.endpoint);
    expect(verdictOf(await askOn(client, document(Buffer.alloc(25 * MIB + 1, "x"))))).toBe(INVALID);
    client.send(formatRequest(byShop({ ...publish("normal"), body: "", headers: { "Transfer-Encoding": "chunked" } })));
    for (let mib = 0; mib < 26; mib++) client.send("100000\r\n", Buffer.alloc(MIB, "x"), "\r\n");
    client.send("0\r\n\r\n");
    expect(verdictOf(await client.response())).toBe(INVALID);
    expect(verdictOf(await askOn(client, IDLE))).toBe("404 MessageNotExist");
    client.close();
  });

  it("REQ-3.2: one over 32 MiB is refused, declared or not, and its connection closed", async ({ expect }) => {
    const declared = await RawClient.connect(broker.endpoint);
    declared.send(formatRequest({ ...GOOD, body: "", headers: { "Content-Length": `${33 * MIB}` } }));
    const endless = await RawClient.connect(broker.endpoint);
    endless.send(formatRequest({ ...GOOD, body: "", headers: { "Transfer-Encoding": "chunked" } }));
    for (let mib = 0; mib < 34; mib++) endless.send("100000\r\n", Buffer.alloc(MIB, "x"), "\r\n");
    for (const client of [declared, endless]) {
      const response = await client.response();
      expect([verdictOf(response), headerOf(response, "Connection")]).toEqual([INVALID, "close"]);
      expectReadable(response, GOOD);
      expect(await client.untilEnd()).toBe("");
    }
  });

  for (const [what, spoil] of [
    ["a body longer than it says", (sent: string) => `${sent}and more\r\n\r\n`],
    ["a body shorter than it says", (sent: string) => sent.slice(0, -3)],
    ["two lengths that differ", (sent: string) => sent.replace(/(Content-Length: )/, "$17\r\n$1")],
    ["a length that is none", (sent: string) => sent.replace(/Content-Length: \d+/, "Content-Length: -1")],
    [
      "a length and chunks, as smugglers send",
      (sent: string) => sent.replace(/(Content-Length)/, "Transfer-Encoding: chunked\r\n$1"),
    ],
    ["a TLS greeting", () => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ["HTTP/2", () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ] as const) {
    it(`REQ-3.2: ${what} is 400 InvalidRequestURL, and its connection closed`, async ({ expect }) => {
      const client = await RawClient.connect(broker.endpoint);
      client.send(Buffer.from(spoil(formatRequest(GOOD).toString("latin1")), "latin1"));
      if (what.includes("longer")) expect((await client.response()).status).toBe(201);
      if (what.includes("shorter")) client.halfClose();
      const response = await client.response();
      expect([verdictOf(response), headerOf(response, "Connection")]).toEqual(["400 InvalidRequestURL", "close"]);
      expectReadable(response, GOOD);
      expect(await client.untilEnd()).toBe("");
    });
  }

  it("REQ-3.3: what the headers decide is said instead of 100 Continue", async ({ expect }) => {
    const client = await RawClient.connect(broker.endpoint);
    const headers = { Expect: "100-continue", "Content-Length": "500" };
    client.send(formatRequest({ ...GOOD, secret: "guess", body: "", headers }));
    const response = await client.response();
    expect([verdictOf(response), headerOf(response, "Connection")]).toEqual(["403 SignatureDoesNotMatch", "close"]);
    client.close();
  });
});

describe.concurrent("numbers out of range", () => {
  const times = ["99999999999999999999", "-1", "NaN", "1e400", "0x10", "soon"];
  const polls = [
    ...["0", "-1", "17", "99999999999999999999", "1e400", "NaN", "%00", ""].map((count) => `numOfMessages=${count}`),
    ...["-1", "-99999999999999999999", "NaN", "1e400", "%F0%9F%A6%84", ""].map((wait) => `waitseconds=${wait}`),
  ];
  eachIsRefused(
    "PUB-9.3",
    times
      .filter((time) => time !== "-1")
      .map((time) => [
        `a delivery time of ${time}`,
        () => byShop(publish("delayed", { properties: `__STARTDELIVERTIME:${time}|` })),
        INVALID,
      ]),
  );
  eachIsRefused("PUB-9.3", [
    ["an immunity of soon", () => byShop(publish("transactional", { properties: "__TransCheckT:soon|" })), INVALID],
    [
      "a delivery time in 41 days",
      () => byShop(publish("delayed", { properties: `__STARTDELIVERTIME:${Date.now() + 41 * 24 * 60 * MINUTE}|` })),
      INVALID,
    ],
  ]);
  eachIsRefused(
    "DEL-7.1",
    polls.map((query) => [
      `a poll with ${query}`,
      () => byShop({ method: "GET", target: messagesOf("empty", `consumer=GID_a&${query}`) }),
      "404 MessageNotExist",
    ]),
  );

  it("TX-1.1: an immunity beyond all bounds is brought into them", async ({ expect }) => {
    for (const immunity of ["0", "99999999999999999999"]) {
      const response = await ask(
        broker,
        byShop(publish("transactional", { properties: `__TransCheckT:${immunity}|` })),
      );
      expect([immunity, verdictOf(response)]).toEqual([immunity, "201"]);
      expect(elementsOf(response, "ReceiptHandle")).toHaveLength(1);
    }
  });
});

describe.concurrent("paths and methods", () => {
  const at = (method: string, target: string) => () => byShop({ method, target });
  eachIsRefused("REQ-4.1", [
    ["/", at("GET", "/"), "400 InvalidRequestURL"],
    ["a path that climbs", at("GET", "/topics/../../etc/passwd/messages"), "400 InvalidRequestURL"],
    ["a console", at("GET", "/api/v1/topics"), "400 InvalidRequestURL"],
    ["the test interface", at("POST", "/api/v1/test/reset"), "400 InvalidRequestURL"],
    ["a whole URL", at("GET", "http://elsewhere/topics/normal/messages"), "400 InvalidRequestURL"],
  ]);
  eachIsRefused("REQ-4.2", [
    ["PUT", at("PUT", messagesOf("normal")), "405 InvalidRequestURL"],
    ["TRACE", at("TRACE", messagesOf("normal")), "405 InvalidRequestURL"],
  ]);
  eachIsRefused("REQ-4.3", [
    ["a poll of nobody", at("GET", messagesOf("normal", "numOfMessages=1")), INVALID],
    ["an acknowledgement of nobody", () => byShop({ ...acknowledge("normal", "", "h") }), INVALID],
  ]);
  eachIsRefused("REQ-5.1", [
    ["an unknown sort of poll", at("GET", messagesOf("normal", "consumer=GID_a&trans=all")), "400 InvalidQueryString"],
    ["a topic of 65 letters", () => byShop(publish("t".repeat(65))), INVALID],
    ["a topic that no file system has", () => byShop(publish("%00%2F..%2F")), INVALID],
    ["a group that is markup", () => byShop(poll("normal", "%3Cscript%3E")), INVALID],
    ["a publish to dead letters", () => byShop(publish("%25DLQ%25GID_a")), INVALID],
  ]);
});

describe("receipt handles", () => {
  const GARBAGE = ["x", "AAAA".repeat(200), "../../etc/passwd", "&lt;b&gt;", "\u{1F984}", "0", "=".repeat(64)];
  const INVALID_HANDLE = "404 ReceiptHandleError";

  it("DEL-5.3: garbage is refused handle by handle", async ({ expect }) => {
    const response = await ask(broker, byShop(acknowledge("normal", "GID_a", ...GARBAGE)));
    expect(verdictOf(response)).toBe(`404${" ReceiptHandleError".repeat(GARBAGE.length)}`);
    for (const end of ["commit", "rollback"]) {
      const request = { ...acknowledge("transactional", `&trans=${end}`), body: handlesDocument(...GARBAGE) };
      expect(verdictOf(await ask(broker, byShop(request)))).toBe(verdictOf(response));
    }
  });

  it("DEL-6.2: none, and only empty ones, are MissingReceiptHandle", async ({ expect }) => {
    for (const handles of [[], [""], ["", ""]]) {
      const response = await ask(broker, byShop(acknowledge("normal", "GID_a", ...handles)));
      expect(verdictOf(response)).toBe("400 MissingReceiptHandle");
    }
  });

  it("DEL-5.1, DEL-5.2, DEL-5.3 and INS-2.1: a foreign, altered or old one ends nothing", async ({ expect }) => {
    const dev = await BrokerProcess.start({ args: ["--clock", "simulated"] });
    const handleOf = async (request: AnyRequest) => elementsOf(await ask(dev, request), "ReceiptHandle")[0] ?? "";
    const verdictOn = async (request: AnyRequest) => verdictOf(await ask(dev, request));
    await ask(dev, publish("orders"));
    await ask(dev, publish("orders", {}, "MQ_INST_other"));
    const handle = await handleOf(poll("orders", "GID_a"));
    const theirs = await handleOf(poll("orders", "GID_a", "ns=MQ_INST_other"));
    const half = await handleOf(publish("payments", { properties: "__TransCheckT:10|" }));
    await ask(dev, poll("payments", "GID_a"));
    await ask(dev, poll("orders", "GID_b"));

    const flipped = (handle.startsWith("A") ? "B" : "A") + handle.slice(1);
    for (const wrong of [
      acknowledge("orders", "GID_b", handle),
      acknowledge("payments", "GID_a", handle),
      acknowledge("orders", "GID_a", theirs),
      acknowledge("orders", "GID_a", flipped),
      acknowledge("orders", "GID_a", `${handle}A`),
      acknowledge("orders", "GID_a", handle.slice(0, -4)),
      acknowledge("payments", "GID_a", half),
      acknowledge("orders", "GID_a&trans=commit", handle),
    ]) {
      expect([wrong, await verdictOn(wrong)]).toEqual([wrong, INVALID_HANDLE]);
    }

    await dev.advance("5m");
    expect(await verdictOn(acknowledge("orders", "GID_a", handle))).toBe("404 MessageNotExist");
    expect(await verdictOn(acknowledge("payments", "&trans=commit", half))).toBe("404 MessageNotExist");
    const newer = await handleOf(poll("orders", "GID_a"));
    expect(await verdictOn(acknowledge("orders", "GID_a", handle, newer))).toBe("404 MessageNotExist");
    expect(await verdictOn(acknowledge("orders", "GID_a", newer))).toBe("204");
    await dev.stop();
  });
});
