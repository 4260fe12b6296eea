import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatContentMd5, formatDate } from "@stagemq/wire";
import { afterAll, beforeAll, expect, it } from "vitest";
import { SeededRandom } from "../crash/seeded-random.ts";
import { ask, elementsOf, verdictOf } from "../process/ask.ts";
import { BrokerProcess, cleanUp, newDirectory } from "../process/broker-process.ts";
import { RawClient } from "../process/raw-client.ts";
import {
  type AnyRequest,
  acknowledge,
  aMessage,
  formatRequest,
  messagesOf,
  poll,
  publish,
} from "../process/signed-request.ts";

const COUNT = process.env.STAGEMQ_CI ? 100_000 : 4_000;
const SEED = Number(process.env.STAGEMQ_SEED ?? Date.now() % 1_000_000);
const CONNECTIONS = 8;
const IN_ONE_GO = 50;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const MISMATCH = "403 SignatureDoesNotMatch";
const NOT_FOUND = "400 InvalidRequestURL";

let broker: BrokerProcess;

beforeAll(async () => {
  const startedIn = await newDirectory();
  const file = [
    "version: 1",
    "users:",
    "  - { name: shop, keys: [ { id: shop, secret: { env: SHOP_SECRET } } ] }",
    "  - { name: other, keys: [ { id: other, secret: { env: OTHER_SECRET } } ] }",
    "instances:",
    "  - id: MQ_INST_shop",
    "    topics: [ { name: orders, kind: normal }, { name: carts, kind: normal } ]",
    "    groups: [ { id: GID_a, from: earliest }, { id: GID_b, from: earliest } ]",
    "",
  ].join("\n");
  await writeFile(join(startedIn, "stagemq.yaml"), file);
  const environment = { SHOP_SECRET: "hush", OTHER_SECRET: "hush-too", STAGEMQ_LOG_LEVEL: "error" };
  broker = await BrokerProcess.start({ command: "serve", startedIn, environment });
});

afterAll(async () => {
  await broker.stop();
  await cleanUp();
});

/** A signed request as it was written, to be changed on its way. */
interface Signed {
  method: string;
  target: string;
  readonly headers: Map<string, string>;
  body: Buffer;
  /** Lines beside those of `headers`, for one that stands twice. */
  readonly more: string[];
}

/** Changes one thing, and says what must be answered. */
type Tampering = (signed: Signed, random: SeededRandom) => string;

it(`REQ-1.3: whatever one thing is changed in a signed request, it is refused by its Code, and nothing is stored (seed ${SEED})`, async () => {
  const random = new SeededRandom(SEED);
  const wrong: unknown[] = [];
  let left = COUNT;
  const drive = async () => {
    const client = await RawClient.connect(broker.endpoint);
    while (left > 0 && wrong.length < 5) {
      const batch = Array.from({ length: Math.min(IN_ONE_GO, left) }, () => tampered(random));
      left -= batch.length;
      client.send(Buffer.concat(batch.map(({ bytes }) => bytes)));
      for (const { bytes, verdict, how } of batch) {
        const answered = verdictOf(await client.response());
        if (answered !== verdict) wrong.push({ how, verdict, answered, request: bytes.toString("latin1") });
      }
    }
    client.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, drive));
  expect(wrong).toEqual([]);

  // Only what was sent untouched is there.
  const [untouched] = originals().map(({ bytes }) => bytes);
  const client = await RawClient.connect(broker.endpoint);
  client.send(untouched ?? "");
  expect(verdictOf(await client.response())).toBe("201");
  client.close();
  const found = await ask(broker, byShop(poll("orders", "GID_b")));
  expect(elementsOf(found, "MessageBody")).toEqual(["untouched"]);
});

it("REQ-1.3: the case of a header's name, the blanks around its value and the order of headers change nothing", async () => {
  for (const { signed, status } of originals()) {
    const lines = [...signed.headers].reverse();
    const bytes = format({ ...signed, headers: new Map(lines.map(([name, value]) => [anyCase(name), `  ${value} `])) });
    const client = await RawClient.connect(broker.endpoint);
    client.send(bytes);
    expect((await client.response()).status).toBe(status);
    client.close();
  }
});

it("WIRE-33: a date is good for just under 15 min in either direction", async () => {
  for (const [off, verdict] of [
    [-14 * MINUTE - 50 * SECOND, "404 MessageNotExist"],
    [14 * MINUTE + 50 * SECOND, "404 MessageNotExist"],
    [-15 * MINUTE - 2 * SECOND, "408 TimeExpired"],
    [15 * MINUTE + 10 * SECOND, "408 TimeExpired"],
  ] as const) {
    const answered = verdictOf(await ask(broker, byShop({ ...poll("carts", "GID_a"), date: Date.now() + off })));
    expect([off, answered]).toEqual([off, verdict]);
  }
});

it("WIRE-29: an encoded path is what it decodes to, and whatever it decodes to has been signed", async () => {
  const answer = async (target: string, signedTarget: string) =>
    verdictOf(await ask(broker, byShop({ method: "GET", target, signedTarget })));
  const query = "?consumer=GID_a";
  expect(await answer(`/topics/%63arts/messages${query}`, `/topics/carts/messages${query}`)).toBe(
    "404 MessageNotExist",
  );
  // What was signed for one topic must not reach another, or leave the path.
  for (const [target, verdict] of [
    [`/topics/%25%36%33arts/messages${query}`, MISMATCH],
    [`/topics/carts%2Fmessages${query}`, NOT_FOUND],
    [`/topics/carts/messages%3Fconsumer=GID_a`, NOT_FOUND],
    [`/topics/orders/%2e%2e/carts/messages${query}`, NOT_FOUND],
    [`/topics/orders/../carts/messages${query}`, NOT_FOUND],
    [`/%74opics/carts/messages${query}`, NOT_FOUND],
    [`/topics/carts%00/messages${query}`, MISMATCH],
    [`/topics/carts/messages?consumer=%47ID_a`, MISMATCH],
    [`/topics/carts/messages?consumer=GID_a#`, MISMATCH],
  ] as const) {
    expect([target, await answer(target, `/topics/carts/messages${query}`)]).toEqual([target, verdict]);
  }
});

it("REQ-3.2: two lengths or two Hosts end the connection", async () => {
  const [{ signed } = { signed: undefined }] = originals();
  if (signed === undefined) throw new Error("there are no originals");
  for (const line of ["Content-Length: 1", "Host: elsewhere", "host: 127.0.0.1"]) {
    const client = await RawClient.connect(broker.endpoint);
    client.send(format({ ...signed, more: [line] }));
    expect([line, verdictOf(await client.response())]).toEqual([line, NOT_FOUND]);
    expect(await client.untilEnd()).toBe("");
  }
});

const byShop = (request: AnyRequest): AnyRequest => ({ accessKeyId: "shop", secret: "hush", ...request });

function originals(): { readonly signed: Signed; readonly bytes: Buffer; readonly status: number }[] {
  const body = aMessage({ body: "untouched" });
  const withDigest = { "Content-MD5": formatContentMd5(Buffer.from(body)) };
  const asked: [AnyRequest, number][] = [
    [{ ...publish("orders"), body, headers: withDigest }, 201],
    [{ method: "GET", target: messagesOf("carts", "consumer=GID_a&numOfMessages=3&tag=a%7C%7Cb&trans=order") }, 404],
    [{ ...acknowledge("carts", "GID_a", "no-handle"), headers: { "x-mq-trace": "1" } }, 404],
  ];
  return asked.map(([request, status]) => {
    const bytes = formatRequest(byShop(request));
    return { signed: parse(bytes), bytes, status };
  });
}

function tampered(random: SeededRandom): { readonly bytes: Buffer; readonly verdict: string; readonly how: string } {
  const { signed } = random.pick(originalsOfNow() as [Original, ...Original[]]);
  const changed: Signed = { ...signed, headers: new Map(signed.headers), more: [] };
  const [how, tamper] = random.pick(Object.entries(TAMPERINGS) as [[string, Tampering], ...[string, Tampering][]]);
  const verdict = tamper(changed, random);
  return { bytes: format(changed), verdict, how };
}

type Original = ReturnType<typeof originals>[number];
let kept: { readonly at: number; readonly all: Original[] } = { at: 0, all: [] };

/** Signed anew every minute, so that their date is good. */
function originalsOfNow(): Original[] {
  if (Date.now() > kept.at + MINUTE) kept = { at: Date.now(), all: originals() };
  return kept.all;
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const CHARACTERS = `${BASE64}-_.~=&;,%`;

const TAMPERINGS: Readonly<Record<string, Tampering>> = {
  "a character of the signature": (signed, random) => {
    const [, id = "", signature = ""] = /^(MQ [^:]+:)(.*)$/.exec(headerOf(signed, "Authorization")) ?? [];
    signed.headers.set("Authorization", id + otherAt(signature, random.below(signature.length), BASE64, random));
    return MISMATCH;
  },
  "the length of the signature": (signed, random) => {
    const value = headerOf(signed, "Authorization");
    signed.headers.set("Authorization", random.percent(50) ? value.slice(0, -1 - random.below(20)) : `${value}=`);
    return MISMATCH;
  },
  "the key's id": (signed, random) => {
    const value = headerOf(signed, "Authorization");
    if (random.percent(50)) {
      signed.headers.set("Authorization", value.replace("shop", "other"));
      return MISMATCH;
    }
    const id = random.pick(["nobody", "Shop", "shop%00", "__proto__", "constructor", "shop/", "hasOwnProperty"]);
    signed.headers.set("Authorization", value.replace("shop", id));
    return "403 InvalidAccessKeyId";
  },
  "the form of the authorization": (signed, random) => {
    const value = headerOf(signed, "Authorization");
    const spoilt = random.pick([
      value.replace("MQ ", "mq "),
      value.replace("MQ ", "MQ  "),
      value.replace("MQ ", "MQ\t"),
      value.replace(":", " "),
      value.replace("shop", ""),
      `${value}, ${value}`,
      `${value} x`,
      "MQ",
      "Basic c2hvcDpodXNo",
    ]);
    signed.headers.set("Authorization", spoilt);
    return "400 InvalidAuthorizationHeader";
  },
  "an authorization more": (signed, random) => {
    signed.more.push(`authorization: ${random.pick([headerOf(signed, "Authorization"), "MQ other:abc", "x"])}`);
    return "400 InvalidAuthorizationHeader";
  },
  "no authorization": (signed) => {
    signed.headers.delete("Authorization");
    return "400 MissingAuthorizationHeader";
  },
  "the date, within its bounds": (signed, random) => {
    const off = (1 + random.below(13 * 60)) * SECOND * (random.percent(50) ? 1 : -1);
    signed.headers.set("Date", formatDate(Date.parse(headerOf(signed, "Date")) + off));
    return MISMATCH;
  },
  "the date, beyond them": (signed, random) => {
    const off = (17 + random.below(100_000)) * MINUTE * (random.percent(50) ? 1 : -1);
    signed.headers.set("Date", formatDate(Date.parse(headerOf(signed, "Date")) + off));
    return "408 TimeExpired";
  },
  "the form of the date": (signed, random) => {
    const value = headerOf(signed, "Date");
    const spoilt = random.pick([
      value.replace("GMT", "UTC"),
      value.replace("GMT", "+0000"),
      value.slice(5),
      new Date().toISOString(),
      `${Date.now()}`,
      `${value}, ${value}`,
      value.replace(/\d\d:\d\d:\d\d/, "25:00:00"),
      "0",
    ]);
    signed.headers.set("Date", spoilt);
    return "400 InvalidDateHeader";
  },
  "a date more": (signed) => {
    signed.more.push(`Date: ${headerOf(signed, "Date")}`);
    return "400 InvalidDateHeader";
  },
  "no date": (signed) => {
    signed.headers.delete("Date");
    return "400 MissingDateHeader";
  },
  "another value of a signed header": (signed, random) => {
    const name = random.pick([
      "Content-Type",
      "x-mq-version",
      signed.headers.has("Content-MD5") ? "Content-MD5" : "Content-Type",
    ]);
    const value = headerOf(signed, name);
    signed.headers.set(name, otherAt(value, random.below(value.length), BASE64, random));
    return MISMATCH;
  },
  "a signed header more": (signed, random) => {
    const name = random.pick(["Content-Type", "x-mq-version", "x-mq-more", "X-MQ-MORE", "x-mq-"]);
    signed.more.push(`${name}: ${random.pick(["1", "text/xml;charset=utf-8", "2015-06-06"])}`);
    return MISMATCH;
  },
  "a signed header less": (signed, random) => {
    const signedOnes = ["Content-Type", "x-mq-version", "Content-MD5", "x-mq-trace"].filter((name) =>
      signed.headers.has(name),
    );
    signed.headers.delete(random.pick(signedOnes as [string, ...string[]]));
    return MISMATCH;
  },
  "the topic": (signed, random) => {
    signed.target = signed.target.replace(/\/topics\/([a-z]+)/, (_, topic: string) => {
      const others = [
        topic === "orders" ? "carts" : "orders",
        topic.toUpperCase(),
        `${topic}x`,
        topic.slice(1),
        `%20${topic}`,
      ];
      return `/topics/${random.pick(others as [string, ...string[]])}`;
    });
    return MISMATCH;
  },
  "the path": (signed, random) => {
    signed.target = signed.target.replace(
      "/topics/",
      random.pick(["/topics//", "/Topics/", "/topics/./", "/x/topics/", "/%74opics/"]),
    );
    return NOT_FOUND;
  },
  "a value of the query": (signed, random) => {
    const at = signed.target.indexOf("=");
    const rest = signed.target.length - at - 1;
    if (at < 0) signed.target += random.pick(["?", "?ns=", "?ns=MQ_INST_shop", "?consumer=GID_a"]);
    else
      signed.target += random.pick([
        "&ns=",
        "&",
        "&tag=a",
        "&waitseconds=30",
        `&x=${"y".repeat(random.below(rest) + 1)}`,
      ]);
    return MISMATCH;
  },
  "an item's place in the query": (signed) => {
    const [path = "", query] = signed.target.split("?");
    const items = query?.split("&") ?? [];
    signed.target =
      items.length > 1
        ? `${path}?${[...items.slice(1), items[0]].join("&")}`
        : `${signed.target}${query === undefined ? "?" : "&"}`;
    return MISMATCH;
  },
  "the method": (signed, random) => {
    if (!signed.target.includes("consumer=")) {
      signed.method = random.pick(["PUT", "PATCH", "TRACE"]);
      return "405 InvalidRequestURL";
    }
    const isOrdered = signed.target.includes("trans=order");
    signed.method = random.pick(
      (signed.method === "GET" ? ["POST", "DELETE"] : ["GET", "POST"]) as [string, ...string[]],
    );
    // What no such method may ask is refused before who asks it.
    return isOrdered && signed.method === "DELETE" ? "400 InvalidQueryString" : MISMATCH;
  },
  "the body, where its digest is signed": (signed, random) => {
    if (!signed.headers.has("Content-MD5")) {
      signed.headers.set("Content-MD5", formatContentMd5(signed.body));
      return MISMATCH;
    }
    const text = signed.body.toString("latin1");
    signed.body = Buffer.from(otherAt(text, random.below(text.length), CHARACTERS, random), "latin1");
    return "400 InvalidDigest";
  },
};

function headerOf({ headers }: Signed, name: string): string {
  return headers.get(name) ?? "";
}

function otherAt(text: string, at: number, alphabet: string, random: SeededRandom): string {
  const others = [...alphabet].filter((character) => character !== text[at]);
  return text.slice(0, at) + random.pick(others as [string, ...string[]]) + text.slice(at + 1);
}

function anyCase(name: string): string {
  return [...name].map((letter, place) => (place % 2 === 0 ? letter.toUpperCase() : letter.toLowerCase())).join("");
}

function parse(bytes: Buffer): Signed {
  const headEnd = bytes.indexOf("\r\n\r\n");
  const [requestLine = "", ...lines] = bytes.toString("latin1", 0, headEnd).split("\r\n");
  const [method = "", target = ""] = requestLine.split(" ");
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)] as const),
  );
  return { method, target, headers, body: bytes.subarray(headEnd + 4), more: [] };
}

function format({ method, target, headers, body, more }: Signed): Buffer {
  const lines = [...[...headers].map(([name, value]) => `${name}: ${value}`), ...more];
  const head = [`${method} ${target} HTTP/1.1`, ...lines, "", ""].join("\r\n");
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}
