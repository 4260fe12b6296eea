import { formatDate } from "@stagemq/wire";
import { GOLDEN_REQUESTS } from "../../../packages/wire/test/fixtures/golden-requests.ts";
import type { SeededRandom } from "../../crash/seeded-random.ts";
import { woundBytes } from "./wound-bytes.ts";

/** A request in the parts that HTTP and the protocol know, each of which can be spoilt by itself. */
interface Draft {
  method: string;
  target: string;
  version: string;
  /** Without Content-Length, which follows from the body. */
  headerLines: string[];
  lineEnd: string;
  body: Buffer;
  /** Header and body as sent, where that is not the length and the bytes. */
  framed?: { readonly headerLines: readonly string[]; readonly bytes: Buffer };
}

type Spoiler = (draft: Draft, random: SeededRandom) => void;

/** A request of an SDK as it is, but that it seldom waits or filters. */
export function soundRequest(random: SeededRandom): Buffer {
  return format(drawDraft(random));
}

/** The same with one to three things wrong with it, by the grammar or without. */
export function spoiltRequest(random: SeededRandom): Buffer {
  const draft = drawDraft(random);
  for (let times = 1 + random.below(2); times > 0; times--) random.pick(SPOILERS)(draft, random);
  const bytes = format(draft);
  return random.percent(20) ? woundBytes(bytes, soundRequest(random), random) : bytes;
}

/** What is nowhere expected, and somewhere dear, dangerous or another thing. */
const NASTY: readonly [string, ...string[]] = [
  "",
  " ",
  "%",
  "%00",
  "%0d%0aX-Mq-Evil:1",
  "%2e%2e%2f",
  "../../etc/passwd",
  "..\\..\\",
  "\0",
  "\x7f",
  "\x9b31m",
  "\x1b[2J",
  "\xff\xfe",
  "\xf0\x9f\xa6\x84",
  "\xc0\xaf",
  "\xed\xa0\x80",
  "__proto__",
  "constructor",
  "hasOwnProperty",
  "%DLQ%GID_g",
  "%25DLQ%25GID_g",
  "%RETRY%GID_g",
  "rmq_sys_x",
  "-1",
  "0",
  "1e400",
  "0x10",
  "NaN",
  "99999999999999999999",
  "18446744073709551616",
  "<script>",
  "&#0;",
  "&lt;",
  "]]>",
  "<![CDATA[",
  ":",
  "|",
  "||",
  "a||*||b",
  "KEYS:a|KEYS:b",
  "__TransCheckT:10|__STARTDELIVERTIME:9|__SHARDINGKEY:s|",
  "__TransCheckT:soon|",
  "x".repeat(65),
  "%41".repeat(200),
];

const METHODS = ["HEAD", "PUT", "OPTIONS", "TRACE", "CONNECT", "PATCH", "get", "PRI", "M-SEARCH", "POSTT", "P OST", ""];
const VERSIONS = ["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.1 ", "HTTP/1.11", "http/1.1", "", "ICE/1.0", "RTSP/1.0"];
const HEADERS: readonly [string, ...string[]] = [
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding: identity",
  "Transfer-Encoding : chunked",
  "Transfer-Encoding:\x0bchunked",
  "Content-Length: 5",
  "Content-Length: +5",
  "Content-Length: 5, 5",
  "Content-Length: -1",
  "Content-Length: 99999999999999999999999",
  "Content-Length: 26214401",
  "Content-Encoding: gzip",
  "Expect: 100-continue",
  "Expect: 200-ok",
  "Connection: close",
  "Connection: upgrade",
  "Connection: keep-alive, close, upgrade",
  "Upgrade: websocket",
  "Upgrade: h2c",
  "HTTP2-Settings: AAMAAABkAAQAAP__",
  "Host: a",
  "Host:",
  "Date: Thu, 01 Jan 1970 00:00:00 GMT",
  "Date: Fri, 31 Feb 2026 25:61:61 GMT",
  "Authorization: MQ a:b",
  "Authorization: Basic YTpi",
  "Content-MD5: !",
  "x-mq-version: 2",
  "X-MQ-: ",
  "x-mq-__proto__: 1",
  "__proto__: 1",
  "constructor: 1",
  "security-token: x",
  "Trailer: Date",
  "Keep-Alive: timeout=99999999999",
  ": nameless",
  "No colon at all",
  " folded: before anything",
  "Tab\t: in the name",
  "\xe4\xb8\xad: not ASCII",
];

const DOCUMENTS: readonly ((random: SeededRandom) => string)[] = [
  (random) =>
    `<!DOCTYPE a [<!ENTITY a "${"a".repeat(50)}">]><Message><MessageBody>${"&a;".repeat(random.below(200))}</MessageBody></Message>`,
  () => '<!DOCTYPE a SYSTEM "file:///etc/passwd"><Message/>',
  (random) => "<a>".repeat(random.below(5_000)),
  (random) => `<Message${" xmlns='a'".repeat(random.below(2_000))}/>`,
  (random) => `<Message ${"a".repeat(random.below(20_000))}`,
  (random) => `<Message><MessageBody>${"&#65;".repeat(random.below(5_000))}</MessageBody></Message>`,
  (random) => `<Message><MessageBody>${"<![CDATA[]]>".repeat(random.below(2_000))}a</MessageBody></Message>`,
  (random) => `<ReceiptHandles>${"<ReceiptHandle>x</ReceiptHandle>".repeat(random.below(2_200))}</ReceiptHandles>`,
  (random) =>
    `<Message><MessageBody>a</MessageBody><Properties>${"k:v|".repeat(random.below(5_000))}</Properties></Message>`,
  (random) =>
    `<Message><MessageBody>a</MessageBody><Properties>k:${"&lt;".repeat(random.below(17_000))}</Properties></Message>`,
  (random) =>
    `<?xml version="1.${random.below(3)}" encoding="${random.pick(["UTF-8", "GBK", "UTF-16", "latin1", ""])}"?><Message/>`,
  () => `\xef\xbb\xbf\xef\xbb\xbf<Message><MessageBody>a</MessageBody></Message>`,
];

const SPOILERS: readonly [Spoiler, ...Spoiler[]] = [
  (draft, random) => {
    draft.method = anyOf(METHODS, random);
  },
  (draft, random) => {
    draft.version = anyOf(VERSIONS, random);
  },
  (draft, random) => {
    const parts = draft.target.split("/");
    parts.splice(random.below(parts.length), random.below(2), random.pick(NASTY));
    draft.target = parts.join("/");
  },
  (draft, random) => {
    draft.target = random.pick([
      "*",
      "http://a/topics/T_ok/messages",
      "//",
      "",
      "/topics/T_ok/messages",
      "/".repeat(9_000),
    ]);
  },
  spoilQuery,
  spoilQuery,
  (draft, random) => {
    draft.headerLines.splice(random.below(draft.headerLines.length + 1), random.below(2), random.pick(HEADERS));
  },
  (draft, random) => {
    draft.headerLines.push(random.pick(HEADERS), random.pick(HEADERS));
  },
  (draft, random) => {
    const at = random.below(draft.headerLines.length);
    const [name = "", value = ""] = (draft.headerLines[at] ?? "").split(":", 2);
    draft.headerLines[at] = random.pick([
      `${name}: ${random.pick(NASTY)}`,
      `${name}:${value}${random.pick(NASTY)}`,
      `${name.toUpperCase()}:${value}`,
      `${name} :${value}`,
      `${name}:\r\n ${value}`,
      `${name}:${value}\r\n${name}: ${random.pick(NASTY)}`,
      `${name}: ${"y".repeat(random.below(18_000))}`,
    ]);
  },
  (draft, random) => {
    for (let count = random.below(300); count > 0; count--) draft.headerLines.push(`x-mq-${count}: ${count}`);
  },
  (draft, random) => {
    draft.lineEnd = random.pick(["\n", "\r", "\r\r\n", "\r\n\r\n", "\n\r"]);
  },
  spoilDocument,
  spoilDocument,
  spoilDocument,
  (draft, random) => {
    draft.body = Buffer.from(random.pick(DOCUMENTS as [Document, ...Document[]])(random), "latin1");
  },
  frameInChunks,
  frameInChunks,
  lieAboutLength,
];

type Document = (typeof DOCUMENTS)[number];

/** The broker that is fuzzed takes any date of the year. */
const THIS_YEAR = formatDate(Date.UTC(new Date().getUTCFullYear(), 6, 1));

function drawDraft(random: SeededRandom): Draft {
  const golden = anyOf(GOLDEN_REQUESTS, random);
  const target = random.percent(70) ? golden.target.replace(/&tag=[^&]*/, "") : golden.target;
  const waits = random.percent(1);
  return {
    method: golden.method,
    target: waits ? target : target.replace(/waitseconds=\d+/, "waitseconds=0"),
    version: "HTTP/1.1",
    headerLines: golden.headerLines
      .filter((line) => !/^(content-length|expect|content-md5):/i.test(line))
      .map((line) => line.replace(/^(date: ?).*$/i, `$1${THIS_YEAR}`)),
    lineEnd: "\r\n",
    body: golden.body,
  };
}

function format({ method, target, version, headerLines, lineEnd, body, framed }: Draft): Buffer {
  const framing = framed?.headerLines ?? (body.length > 0 ? [`Content-Length: ${body.length}`] : []);
  const head = [`${method} ${target} ${version}`, ...headerLines, ...framing, "", ""].join(lineEnd);
  return Buffer.concat([Buffer.from(head, "latin1"), framed?.bytes ?? body]);
}

function spoilQuery(draft: Draft, random: SeededRandom): void {
  const [path = "", query = ""] = draft.target.split("?", 2);
  const items = query.split("&").filter((item) => item !== "");
  const at = random.below(items.length + 1);
  const name = random.pick([
    "ns",
    "consumer",
    "numOfMessages",
    "tag",
    "trans",
    "TRANS",
    "__proto__",
    "",
    "waitseconds ",
  ]);
  const item = random.pick([
    `${name}=${random.pick(NASTY)}`,
    name,
    `${name}=a=b`,
    `trans=${random.pick(["order", "pop", "commit", "rollback", "all", "ORDER", "order&trans=pop"])}`,
    "&&&=",
    "a=b&".repeat(random.below(1_000)),
  ]);
  items.splice(at, random.below(3), item);
  draft.target = `${path}?${items.join("&")}`;
}

/** Takes away, doubles or replaces a tag or a text of the document. */
function spoilDocument(draft: Draft, random: SeededRandom): void {
  const tokens = draft.body.toString("latin1").split(/(<[^>]*>)/);
  const at = random.below(tokens.length);
  const token = tokens[at] ?? "";
  tokens.splice(
    at,
    1,
    random.pick([
      "",
      token + token,
      token + random.pick(NASTY),
      random.pick(NASTY) + token,
      random.pick(NASTY),
      token.toUpperCase(),
      token.replace(">", "/>"),
      token.replace(">", ` ${random.pick(["a='b'", 'xmlns="a"', "a", "xmlns:x='y'"])}>`),
      `<!-- -->${token}`,
      `<?pi?>${token}`,
      `<![CDATA[${token}]]>`,
      anyOf(tokens, random) + token,
      "z".repeat(random.below(70_000)),
    ]),
  );
  draft.body = Buffer.from(tokens.join(""), "latin1");
}

function frameInChunks(draft: Draft, random: SeededRandom): void {
  const parts: Buffer[] = [];
  for (let from = 0; from < draft.body.length; ) {
    const size = 1 + random.below(random.percent(20) ? 3 : 200);
    const piece = draft.body.subarray(from, from + size);
    const extension = random.percent(10) ? random.pick([";a=b", ";a", " ", `;${"e".repeat(5_000)}`, ";\n"]) : "";
    parts.push(Buffer.from(`${piece.length.toString(16)}${extension}\r\n`, "latin1"), piece, Buffer.from("\r\n"));
    from += size;
  }
  const end = random.percent(50)
    ? "0\r\n\r\n"
    : random.pick([
        "",
        "0\r\n",
        "0\r\nContent-Length: 4\r\n\r\n",
        "0\r\n__proto__: 1\r\n\r\n",
        "-1\r\n\r\n",
        "ffffffffffffffff\r\n",
        "0x0\r\n\r\n",
        "00000000000000000000000000000000000\r\n\r\n",
        "7fffffff\r\nabc",
        "\r\n0\r\n\r\n",
        "0;\r\n\r\n",
      ]);
  const coding = random.pick(["chunked", "chunked", "chunked", "Chunked", "chunked, chunked", "chunked\x0b"]);
  const lengthToo = random.percent(10) ? [`Content-Length: ${draft.body.length}`] : [];
  draft.framed = {
    headerLines: [`Transfer-Encoding: ${coding}`, ...lengthToo],
    bytes: Buffer.concat([...parts, Buffer.from(end)]),
  };
}

function lieAboutLength(draft: Draft, random: SeededRandom): void {
  const length = random.pick([
    draft.body.length - 1 - random.below(draft.body.length + 1),
    draft.body.length + 1 + random.below(100),
    draft.body.length + 65_536,
    27 * 1_024 * 1_024,
    34 * 1_024 * 1_024,
  ]);
  draft.framed = { headerLines: [`Content-Length: ${length}`], bytes: draft.body };
}

function anyOf<T>(items: readonly T[], random: SeededRandom): T {
  return random.pick(items as readonly [T, ...T[]]);
}
