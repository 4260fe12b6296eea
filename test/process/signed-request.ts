import { formatAuthorization, formatDate, sign, stringToSign } from "@stagemq/wire";

export interface AnyRequest {
  readonly method?: string;
  readonly target?: string;
  /** Beside those that every request has; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | Buffer;
  readonly accessKeyId?: string;
  readonly secret?: string;
  /** Epoch milliseconds of its Date; absent: now. */
  readonly date?: number;
  /** What is signed, where it is not what is sent. */
  readonly signedTarget?: string;
}

/** The bytes of a request as an SDK would send it. */
export function formatRequest(request: AnyRequest): Buffer {
  const { method = "POST", target = messagesOf("orders"), accessKeyId = "dev", secret = "dev-secret" } = request;
  const body = Buffer.from(request.body ?? "");
  const headers = {
    Host: "127.0.0.1",
    Date: formatDate(request.date ?? Date.now()),
    "x-mq-version": "2015-06-06",
    "Content-Type": "text/xml;charset=utf-8",
    "Content-Length": body.length > 0 ? String(body.length) : undefined,
    ...request.headers,
  };
  const signed = stringToSign({ method, target: request.signedTarget ?? target, headers });
  const all = {
    ...headers,
    Authorization: formatAuthorization(accessKeyId, sign(secret, signed)),
    ...request.headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : `${name}: ${value}\r\n`));
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1"), body]);
}

/** The target of everything that concerns a topic. */
export function messagesOf(topic: string, query = ""): string {
  return `/topics/${topic}/messages${query === "" ? "" : `?${query}`}`;
}

export function publish(topic: string, message: Parameters<typeof aMessage>[0] = {}, instance = ""): AnyRequest {
  const query = instance === "" ? "" : `ns=${instance}`;
  return { method: "POST", target: messagesOf(topic, query), body: aMessage(message) };
}

/** A poll for all that may come in one answer; `query` may say more. */
export function poll(topic: string, group: string, query = ""): AnyRequest {
  const more = query === "" ? "" : `&${query}`;
  return { method: "GET", target: messagesOf(topic, `consumer=${group}&numOfMessages=16${more}`) };
}

export function acknowledge(topic: string, group: string, ...handles: readonly string[]): AnyRequest {
  return { method: "DELETE", target: messagesOf(topic, `consumer=${group}`), body: handlesDocument(...handles) };
}

/** A publish document; what is given stands in it as it is. */
export function aMessage({ body = "hello", tag = "", properties = "" } = {}): string {
  return `<Message><MessageBody>${body}</MessageBody><MessageTag>${tag}</MessageTag><Properties>${properties}</Properties></Message>`;
}

/** A document of receipt handles. */
export function handlesDocument(...handles: readonly string[]): string {
  const elements = handles.map((handle) => `<ReceiptHandle>${handle}</ReceiptHandle>`);
  return `<ReceiptHandles xmlns="http://mq.aliyuncs.com/doc/v1">${elements.join("")}</ReceiptHandles>`;
}
