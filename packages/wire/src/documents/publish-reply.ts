import { childText, type ElementShape } from "../xml/read-xml.ts";
import { writeDocument, writeText } from "../xml/write-xml.ts";
import { type Decoded, decodeDocument, missingElement } from "./decoded.ts";

/** What a publish is answered with; only a half message has a handle. */
export interface PublishReplyDocument {
  readonly messageId: string;
  readonly bodyMd5: string;
  readonly receiptHandle?: string;
}

const SHAPE: ElementShape = {
  name: "Message",
  children: [{ name: "MessageId" }, { name: "MessageBodyMD5" }, { name: "ReceiptHandle" }],
};

export function encodePublishReply({ messageId, bodyMd5, receiptHandle }: PublishReplyDocument): string {
  return writeDocument(
    "Message",
    writeText("MessageId", messageId) +
      writeText("MessageBodyMD5", bodyMd5) +
      // WIRE-47: a normal message has no such element, not an empty one.
      (receiptHandle === undefined ? "" : writeText("ReceiptHandle", receiptHandle)),
  );
}

export function decodePublishReply(bytes: Buffer): Decoded<PublishReplyDocument> {
  return decodeDocument(bytes, SHAPE, (root) => {
    const messageId = childText(root, "MessageId");
    if (!messageId) return missingElement("MessageId");
    const bodyMd5 = childText(root, "MessageBodyMD5") ?? "";
    const receiptHandle = childText(root, "ReceiptHandle");
    return { value: { messageId, bodyMd5, ...(receiptHandle ? { receiptHandle } : {}) } };
  });
}
