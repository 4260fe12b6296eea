import type { ErrorDocument, HandleErrorDocument, PublishReplyDocument, WireMessage } from "@stagemq/wire";
import { textOf, type XmlElement } from "./xml-element.ts";

/** The documents of the protocol. Each throws an Error where the reply is another. */

export function readPublishReply(root: XmlElement): PublishReplyDocument {
  expectRoot(root, "Message");
  const handle = textOf(root, "ReceiptHandle");
  return {
    messageId: needed(root, "MessageId"),
    bodyMd5: textOf(root, "MessageBodyMD5"),
    ...(handle === "" ? {} : { receiptHandle: handle }),
  };
}

export function readMessages(root: XmlElement): WireMessage[] {
  expectRoot(root, "Messages");
  return elements(root, "Message").map(readMessage);
}

export function readError(root: XmlElement): ErrorDocument {
  expectRoot(root, "Error");
  return {
    code: needed(root, "Code"),
    message: textOf(root, "Message"),
    requestId: textOf(root, "RequestId"),
    hostId: textOf(root, "HostId"),
  };
}

export function readErrors(root: XmlElement): HandleErrorDocument[] {
  expectRoot(root, "Errors");
  return elements(root, "Error").map((error) => ({
    code: needed(error, "ErrorCode"),
    message: textOf(error, "ErrorMessage"),
    receiptHandle: textOf(error, "ReceiptHandle"),
  }));
}

function readMessage(element: XmlElement): WireMessage {
  return {
    messageId: needed(element, "MessageId"),
    bodyMd5: textOf(element, "MessageBodyMD5"),
    body: textOf(element, "MessageBody"),
    receiptHandle: needed(element, "ReceiptHandle"),
    publishTime: whole(element, "PublishTime"),
    firstConsumeTime: whole(element, "FirstConsumeTime"),
    nextConsumeTime: whole(element, "NextConsumeTime"),
    consumedTimes: whole(element, "ConsumedTimes"),
    tag: textOf(element, "MessageTag"),
    properties: textOf(element, "Properties"),
  };
}

function expectRoot({ name }: XmlElement, expected: string): void {
  if (name !== expected) throw new Error(`it is <${name}>, not <${expected}>`);
}

function elements(parent: XmlElement, wanted: string): XmlElement[] {
  return parent.children.filter(({ name }) => name === wanted);
}

function needed(parent: XmlElement, name: string): string {
  const text = textOf(parent, name).trim();
  if (text === "") throw new Error(`<${parent.name}> has no ${name}`);
  return text;
}

/** FirstConsumeTime means nothing in order, and may be missing. */
function whole(parent: XmlElement, name: string): number {
  const text = textOf(parent, name).trim();
  if (!/^\d*$/.test(text)) throw new Error(`${name} is ${JSON.stringify(text)}, no number`);
  return Number(text);
}
