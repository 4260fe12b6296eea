/** Good responses, written by hand from protocol pages 3.2 to 3.5 and 4.1, and the ways to spoil one. */
import type { Operation, RawResponse } from "./seen.ts";

/** A response together with the call it answers. */
export interface Exchange {
  readonly operation: Operation;
  readonly response: RawResponse;
}

const REQUEST_ID = "5DAEF2B9463541AD6E04490F";
const ROOT = 'xmlns="http://mq.aliyuncs.com/doc/v1"';

export const published = answer("publish", 201, [
  '<?xml version="1.0" ?>',
  `<Message ${ROOT}>`,
  "  <MessageId>7F0000010A1B4C3D2E1F00112233AABB</MessageId>",
  "  <MessageBodyMD5>5D41402ABC4B2A76B9719D911017C592</MessageBodyMD5>",
  "</Message>",
]);

export const halfPublished = edited(
  published,
  "</MessageBodyMD5>",
  "</MessageBodyMD5>\n  <ReceiptHandle>7F0000010A1B4C3D2E1F00112233AABB-MTI5NTcxMA==</ReceiptHandle>",
);

export const consumed = answer("consume", 200, [
  '<?xml version="1.0" ?>',
  `<Messages ${ROOT}>`,
  "  <Message>",
  "    <MessageId>7F0000010A1B4C3D2E1F00112233AABB</MessageId>",
  "    <MessageBodyMD5>5D41402ABC4B2A76B9719D911017C592</MessageBodyMD5>",
  "    <MessageBody>hello</MessageBody>",
  "    <ReceiptHandle>7F0000010A1B4C3D2E1F00112233AABB-MTI5NTcxMA==</ReceiptHandle>",
  "    <PublishTime>1767225600000</PublishTime>",
  "    <FirstConsumeTime>1767225601000</FirstConsumeTime>",
  "    <NextConsumeTime>1767225901000</NextConsumeTime>",
  "    <ConsumedTimes>1</ConsumedTimes>",
  "    <MessageTag>TagA</MessageTag>",
  "    <Properties>KEYS:order-1|a:1|</Properties>",
  "  </Message>",
  "</Messages>",
]);

export const acknowledged: Exchange = {
  operation: "acknowledge",
  response: { status: 204, headers: [["x-mq-request-id", REQUEST_ID]], body: Buffer.alloc(0) },
};

export const failedHandles = answer("acknowledge", 404, [
  '<?xml version="1.0" ?>',
  `<Errors ${ROOT}>`,
  "  <Error>",
  "    <ErrorCode>ReceiptHandleError</ErrorCode>",
  "    <ErrorMessage>The receipt handle you provide is not valid.</ErrorMessage>",
  "    <ReceiptHandle>adfadfadfadf</ReceiptHandle>",
  "  </Error>",
  "</Errors>",
]);

export const emptyPoll = refusal("consume", 404, "MessageNotExist", "Message not exist.");

export const topicMissing = refusal("publish", 404, "TopicNotExist", "The topic you provided does not exist.");

/** A request-level refusal in the shape of a real one (4.1). */
export function refusal(operation: Operation, status: number, code: string, message: string): Exchange {
  return answer(operation, status, [
    '<?xml version="1.0" ?>',
    `<Error ${ROOT}>`,
    `  <Code>${code}</Code>`,
    `  <Message>${message}</Message>`,
    `  <RequestId>${REQUEST_ID}</RequestId>`,
    "  <HostId>http://1000000000000001.mqrest.example.com</HostId>",
    "</Error>",
  ]);
}

/** The same response after one replacement in its document; `from` must be there. */
export function edited(exchange: Exchange, from: string, to: string): Exchange {
  const document = exchange.response.body.toString("utf8");
  if (!document.includes(from)) throw new Error(`the response has no ${from} to replace`);
  return withBody(
    exchange,
    document.replace(from, () => to),
  );
}

/** The same response without the element of that name. */
export function without(exchange: Exchange, name: string): Exchange {
  const document = exchange.response.body.toString("utf8");
  const element = new RegExp(`\\s*<${name}>[^<]*</${name}>`).exec(document)?.[0];
  if (element === undefined) throw new Error(`the response has no ${name} to leave out`);
  return edited(exchange, element, "");
}

/** The same response without the indentation of its elements. */
export function compact(exchange: Exchange): Exchange {
  return withBody(exchange, exchange.response.body.toString("utf8").replace(/>\s+</g, "><"));
}

export function withBody(exchange: Exchange, document: string): Exchange {
  return { ...exchange, response: { ...exchange.response, body: Buffer.from(document) } };
}

export function withMessageBody(escaped: string): Exchange {
  return edited(consumed, "<MessageBody>hello<", `<MessageBody>${escaped}<`);
}

export function withProperties(text: string): Exchange {
  return edited(consumed, "KEYS:order-1|a:1|", text);
}

export function withStatus(exchange: Exchange, status: number): Exchange {
  return { ...exchange, response: { ...exchange.response, status } };
}

export function withReason(exchange: Exchange, reason: string): Exchange {
  return { ...exchange, response: { ...exchange.response, reason } };
}

/** The same response with that header replaced, in whatever case it was, or left out. */
export function withHeader(exchange: Exchange, name: string, value?: string): Exchange {
  const others = exchange.response.headers.filter(([given]) => given.toLowerCase() !== name.toLowerCase());
  const headers = value === undefined ? others : [...others, [name, value] as const];
  return { ...exchange, response: { ...exchange.response, headers } };
}

export function withOperation(exchange: Exchange, operation: Operation): Exchange {
  return { ...exchange, operation };
}

function answer(operation: Operation, status: number, lines: readonly string[]): Exchange {
  const headers = [
    ["Content-Type", "text/xml;charset=utf-8"],
    ["x-mq-request-id", REQUEST_ID],
    ["x-mq-version", "2015-06-06"],
  ] as const;
  return { operation, response: { status, headers, body: Buffer.from(`${lines.join("\n")}\n`) } };
}
