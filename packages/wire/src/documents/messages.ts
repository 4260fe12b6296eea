import { childText, type ElementShape, type XmlElement } from "../xml/read-xml.ts";
import { writeDocument, writeGroup, writeText } from "../xml/write-xml.ts";
import { type Decoded, decodeDocument, missingElement } from "./decoded.ts";

/** One delivery as a consumer gets it, under the protocol's own names. Times are epoch milliseconds. */
export interface WireMessage {
  readonly messageId: string;
  readonly bodyMd5: string;
  readonly body: string;
  readonly receiptHandle: string;
  readonly publishTime: number;
  readonly firstConsumeTime: number;
  readonly nextConsumeTime: number;
  readonly consumedTimes: number;
  readonly tag: string;
  /** The text `name:value|…`, with a bar at its end. */
  readonly properties: string;
}

const NUMBERS = ["PublishTime", "FirstConsumeTime", "NextConsumeTime", "ConsumedTimes"] as const;
const TEXTS = ["MessageId", "MessageBodyMD5", "MessageBody", "ReceiptHandle", "MessageTag", "Properties"] as const;

const SHAPE: ElementShape = {
  name: "Messages",
  children: [{ name: "Message", many: true, children: [...TEXTS, ...NUMBERS].map((name) => ({ name })) }],
};

/** An empty list must not be sent: Node and Java fail on it. An empty poll is an `Error` (WIRE-59, WIRE-60). */
export function encodeMessages(messages: readonly WireMessage[]): string {
  return writeDocument("Messages", messages.map((message) => writeGroup("Message", writeMessage(message))).join(""));
}

export function decodeMessages(bytes: Buffer): Decoded<WireMessage[]> {
  return decodeDocument(bytes, SHAPE, (root) => {
    const messages: WireMessage[] = [];
    for (const element of root.children) {
      const decoded = readMessage(element);
      if (!("value" in decoded)) return decoded;
      messages.push(decoded.value);
    }
    return { value: messages };
  });
}

function writeMessage(message: WireMessage): string {
  const line = (name: string, value: string | number): string => writeText(name, String(value), "    ");
  return (
    line("MessageId", message.messageId) +
    line("MessageBodyMD5", message.bodyMd5) +
    line("MessageBody", message.body) +
    line("ReceiptHandle", message.receiptHandle) +
    // WIRE-66: Python and C# fail without these four.
    line("PublishTime", message.publishTime) +
    line("FirstConsumeTime", message.firstConsumeTime) +
    line("NextConsumeTime", message.nextConsumeTime) +
    line("ConsumedTimes", message.consumedTimes) +
    // WIRE-68: the Rust client fails without these two.
    line("MessageTag", message.tag) +
    line("Properties", message.properties)
  );
}

function readMessage(element: XmlElement): Decoded<WireMessage> {
  const text = (name: (typeof TEXTS)[number]): string => childText(element, name) ?? "";
  const number = (name: (typeof NUMBERS)[number]): number => Number(childText(element, name));
  for (const name of ["MessageId", "ReceiptHandle", ...NUMBERS]) {
    if (!childText(element, name)) return missingElement(name);
  }
  for (const name of NUMBERS) {
    const given = childText(element, name) ?? "";
    if (!/^\d+$/.test(given)) {
      return { refusal: "InvalidArgument", fault: "unreadable-value", reason: `${name} is "${given}", no number` };
    }
  }
  return {
    value: {
      messageId: text("MessageId"),
      bodyMd5: text("MessageBodyMD5"),
      body: text("MessageBody"),
      receiptHandle: text("ReceiptHandle"),
      publishTime: number("PublishTime"),
      firstConsumeTime: number("FirstConsumeTime"),
      nextConsumeTime: number("NextConsumeTime"),
      consumedTimes: number("ConsumedTimes"),
      tag: text("MessageTag"),
      properties: text("Properties"),
    },
  };
}
