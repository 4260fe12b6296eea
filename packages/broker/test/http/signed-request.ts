import { createSecretKey } from "node:crypto";
import { formatAuthorization, formatDate, sign, stringToSign } from "@stagemq/wire";

export interface AnyRequest {
  readonly method?: string;
  readonly target?: string;
  /** Beside those that every request has; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | Buffer;
  readonly accessKeyId?: string;
  readonly secret?: string;
  /** Epoch milliseconds of its Date. */
  readonly date?: number;
  /** What is signed, where it is not what is sent. */
  readonly signedTarget?: string;
}

export const MESSAGES = "/topics/orders/messages";
export const POLL = `${MESSAGES}?consumer=GID_a&numOfMessages=16`;

/** The bytes of a request as an SDK would send it. */
export function formatRequest(request: AnyRequest, now: number): Buffer {
  const { method = "POST", target = MESSAGES, accessKeyId = "dev", secret = "dev-secret" } = request;
  const body = Buffer.from(request.body ?? "");
  const headers = {
    Host: "127.0.0.1",
    Date: formatDate(request.date ?? now),
    "x-mq-version": "2015-06-06",
    "Content-Type": "text/xml;charset=utf-8",
    "Content-Length": body.length > 0 ? String(body.length) : undefined,
    ...request.headers,
  };
  const signed = stringToSign({ method, target: request.signedTarget ?? target, headers });
  const signature = sign(createSecretKey(secret, "utf8"), signed);
  const all = { ...headers, Authorization: formatAuthorization(accessKeyId, signature), ...request.headers };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : `${name}: ${value}\r\n`));
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1"), body]);
}

/** A publish document. */
export function aMessage({ body = "hello", tag = "", properties = "" } = {}): string {
  return `<Message><MessageBody>${body}</MessageBody><MessageTag>${tag}</MessageTag><Properties>${properties}</Properties></Message>`;
}

/** A document of receipt handles. */
export function handles(...texts: string[]): string {
  const elements = texts.map((text) => `<ReceiptHandle>${text}</ReceiptHandle>`);
  return `<ReceiptHandles xmlns="http://mq.aliyuncs.com/doc/v1">${elements.join("")}</ReceiptHandles>`;
}
