import { childText, type ElementShape, type XmlElement } from "../xml/read-xml.ts";
import { escapeXml, writeDocument, writeGroup } from "../xml/write-xml.ts";
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

/** WIRE-66, WIRE-68: Python and C# fail without the four numbers, the Rust client without tag and properties. */
function writeMessage(message: WireMessage): string {
  return `    <MessageId>${escapeXml(message.messageId)}</MessageId>
    <MessageBodyMD5>${escapeXml(message.bodyMd5)}</MessageBodyMD5>
    <MessageBody>${escapeXml(message.body)}</MessageBody>
    <ReceiptHandle>${escapeXml(message.receiptHandle)}</ReceiptHandle>
    <PublishTime>${message.publishTime}</PublishTime>
    <FirstConsumeTime>${message.firstConsumeTime}</FirstConsumeTime>
    <NextConsumeTime>${message.nextConsumeTime}</NextConsumeTime>
    <ConsumedTimes>${message.consumedTimes}</ConsumedTimes>
    <MessageTag>${escapeXml(message.tag)}</MessageTag>
    <Properties>${escapeXml(message.properties)}</Properties>
`;
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
