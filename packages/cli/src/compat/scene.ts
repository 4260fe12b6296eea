import { setTimeout as sleep } from "node:timers/promises";
import { bodyMd5, formatAuthorization, formatDate, sign, stringToSign } from "@stagemq/wire";
import { type Answer, Connection, headerOf } from "./connection.ts";
import { type Delivered, deliveredIn, handlesDocument, messageDocument, textsOf } from "./documents.ts";
import type { Sheet } from "./sheet.ts";

/** Where to look, as whom, and with which topics. */
export interface Place {
  readonly endpoint: URL;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly securityToken: string | undefined;
  /** Absent: none is named. */
  readonly instance: string | undefined;
  readonly topics: Readonly<Record<"normal" | "delayed" | "ordered" | "transactional", string>>;
  readonly group: string;
  readonly otherGroup: string;
}

export interface SignedRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly target: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | Buffer;
  readonly as?: { readonly accessKeyId?: string; readonly accessKeySecret?: string };
  /** Instead of now. */
  readonly date?: Date;
  /** What is signed, where it is not what is sent. */
  readonly signedTarget?: string;
}

export interface Outgoing {
  readonly body: string;
  readonly tag?: string;
  readonly properties?: string;
}

/** How long a message that was published may take to be delivered. */
const DELIVERED_WITHIN_MS = 10_000;

/** What a flow does at the endpoint, and where it notes what came of it. Every answer is looked at on its way in. */
export class Scene {
  readonly place: Place;
  readonly sheet: Sheet;
  /** Part of every body, so that messages of others are not mistaken for ours. */
  readonly run = `compat-${Date.now().toString(36)}`;

  constructor(place: Place, sheet: Sheet) {
    this.place = place;
    this.sheet = sheet;
  }

  target(topic: string, ...items: readonly string[]): string {
    const instance = this.place.instance === undefined ? [] : [`ns=${this.place.instance}`];
    const query = [...instance, ...items].join("&");
    return `/topics/${topic}/messages${query === "" ? "" : `?${query}`}`;
  }

  /** On a connection of its own. */
  async send(request: SignedRequest): Promise<Answer> {
    const connection = await this.connect();
    try {
      return await this.sendOn(connection, request);
    } finally {
      connection.close();
    }
  }

  async sendOn(connection: Connection, request: SignedRequest): Promise<Answer> {
    connection.send(this.format(request));
    const answer = await connection.answer();
    inspect(answer, this.sheet);
    return answer;
  }

  connect(): Promise<Connection> {
    return Connection.open(this.place.endpoint);
  }

  /** The bytes of a signed request. */
  format({ method, target, headers = {}, body = "", as = {}, date = new Date(), signedTarget }: SignedRequest): Buffer {
    const bytes = Buffer.from(body);
    const { accessKeyId, accessKeySecret } = { ...this.place, ...as };
    const sent = {
      Date: formatDate(date.getTime()),
      "Content-Type": "text/xml;charset=utf-8",
      "x-mq-version": "2015-06-06",
      "security-token": this.place.securityToken,
      "Content-Length": bytes.length > 0 ? String(bytes.length) : undefined,
      ...headers,
    };
    const text = stringToSign({ method, target: signedTarget ?? target, headers: sent });
    const all = {
      Host: this.place.endpoint.host,
      Authorization: formatAuthorization(accessKeyId, sign(accessKeySecret, text)),
      ...sent,
    };
    const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : `${name}: ${value}\r\n`));
    return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`), bytes]);
  }

  publish(topic: string, message: Outgoing): Promise<Answer> {
    return this.send({ method: "POST", target: this.target(topic), body: messageDocument(message) });
  }

  /** `query` says more than the group: `numOfMessages=16`. */
  poll(topic: string, query: string, group = this.place.group): Promise<Answer> {
    return this.send({ method: "GET", target: this.target(topic, `consumer=${group}`, query) });
  }

  acknowledge(topic: string, handles: readonly string[], group = this.place.group): Promise<Answer> {
    return this.send({
      method: "DELETE",
      target: this.target(topic, `consumer=${group}`),
      body: handlesDocument(handles),
    });
  }

  end(resolution: "commit" | "rollback", handle: string, group = this.place.group): Promise<Answer> {
    const target = this.target(this.place.topics.transactional, `consumer=${group}`, `trans=${resolution}`);
    return this.send({ method: "DELETE", target, body: handlesDocument([handle]) });
  }

  /** A body of ours that was not used before. */
  body(text: string): string {
    return `${this.run} ${text}`;
  }

  /** Polls until these bodies have come; acknowledges those, and whatever else was lying there. */
  async collect(
    topic: string,
    bodies: readonly string[],
    query = "",
    group = this.place.group,
  ): Promise<readonly Delivered[]> {
    const deadline = performance.now() + DELIVERED_WITHIN_MS;
    const found: Delivered[] = [];
    while (found.length < bodies.length && performance.now() < deadline) {
      const wait = ["numOfMessages=16", "waitseconds=2", query].filter((item) => item !== "").join("&");
      const delivered = deliveredIn(await this.poll(topic, wait, group));
      found.push(...delivered.filter(({ MessageBody = "" }) => bodies.includes(MessageBody)));
      if (delivered.length > 0) await this.acknowledge(topic, handlesOf(delivered), group);
    }
    return found;
  }

  /** Acknowledges all that is there, so that the next poll finds nothing. */
  async clear(topic: string, mode = ""): Promise<void> {
    const query = ["numOfMessages=16", mode].filter((item) => item !== "").join("&");
    for (;;) {
      const delivered = deliveredIn(await this.poll(topic, query));
      if (delivered.length === 0) return;
      await this.acknowledge(topic, handlesOf(delivered));
    }
  }

  pass(milliseconds: number): Promise<void> {
    return sleep(milliseconds);
  }
}

export function handlesOf(delivered: readonly Delivered[]): readonly string[] {
  return delivered.map(({ ReceiptHandle = "" }) => ReceiptHandle);
}

export function bodiesOf(delivered: readonly Delivered[]): readonly string[] {
  return delivered.map(({ MessageBody = "" }) => MessageBody);
}

/** What holds for every answer, whatever was asked. */
function inspect(answer: Answer, sheet: Sheet): void {
  const { status, headers, body } = answer;
  const encoding = headerOf(answer, "content-encoding");
  sheet.note(14, encoding === undefined, `an answer is compressed: ${encoding}`);
  sheet.note(15, status < 300 || status >= 400, `an answer sends elsewhere: ${status}`);
  const hasId = headers.some(([name]) => name === "x-mq-request-id");
  sheet.note(63, hasId, `an answer (${status}) has no x-mq-request-id in lower case`);
  if (body === "") return;
  const type = headerOf(answer, "content-type") ?? "";
  sheet.note(
    64,
    /^(text|application)\/xml/.test(type),
    `an answer with a body has Content-Type ${JSON.stringify(type)}`,
  );
  const strange = /<!\[CDATA\[|<!--|<\w+\/>|<\w+\s[^>]*\/>/.exec(body)?.[0];
  sheet.note(65, strange === undefined, `an answer has ${strange}`);
  const [, root = "", attributes = ""] = /<(Errors?|Messages?)\b([^>]*)>/.exec(body) ?? [];
  sheet.see(61, `the attributes of <${root}>`, attributes.trim(), 'xmlns="http://mq.aliyuncs.com/doc/v1"');
  if (root === "Error") inspectError(body, sheet);
  if (root === "Errors") inspectErrors(body, sheet);
  if (root === "Messages") inspectMessages(body, sheet);
}

function inspectError(body: string, sheet: Sheet): void {
  for (const name of ["Code", "Message", "RequestId", "HostId"])
    sheet.note(62, textsOf(body, name).length === 1, `an Error has no ${name}`);
}

function inspectErrors(body: string, sheet: Sheet): void {
  for (const [, inner = ""] of body.matchAll(/<Error>(.*?)<\/Error>/gs))
    for (const name of ["ErrorCode", "ErrorMessage", "ReceiptHandle"])
      sheet.note(95, Boolean(textsOf(inner, name)[0]), `an Error in Errors has no ${name}, or an empty one`);
}

function inspectMessages(body: string, sheet: Sheet): void {
  sheet.note(60, /<Message>/.test(body), "an empty poll was answered by 200 with an empty list");
  for (const message of deliveredIn({ body })) {
    for (const name of ["PublishTime", "FirstConsumeTime", "NextConsumeTime", "ConsumedTimes"] as const)
      sheet.note(66, /^\d+$/.test(message[name] ?? ""), `${name} is ${JSON.stringify(message[name])}`);
    for (const name of ["MessageTag", "Properties"] as const)
      sheet.note(68, message[name] !== undefined, `a message has no ${name}`);
    sheet.note(67, isReadable(message.Properties ?? ""), `Properties are ${JSON.stringify(message.Properties)}`);
    sheet.see(45, "MessageBodyMD5", message.MessageBodyMD5, bodyMd5(message.MessageBody ?? ""));
  }
}

function isReadable(properties: string): boolean {
  if (properties === "") return true;
  const pairs = properties.split("|").slice(0, -1);
  const names = pairs.map((pair) => pair.split(":")[0]);
  return (
    properties.endsWith("|") &&
    pairs.every((pair) => /^[^:]+:[^:]+$/.test(pair)) &&
    new Set(names).size === names.length
  );
}
