import type { ElementShape } from "../xml/read-xml.ts";
import { writeDocument, writeText } from "../xml/write-xml.ts";
import { type Decoded, decodeDocument } from "./decoded.ts";

/** DEL-6: more than 16 handles are accepted within this. */
export const MAX_RECEIPT_HANDLES_BYTES = 64 * 1024;

const SHAPE: ElementShape = { name: "ReceiptHandles", children: [{ name: "ReceiptHandle", many: true }] };

/** The handles as sent, without the empty ones; a request with none but those is refused (DEL-6). */
export function decodeReceiptHandles(bytes: Buffer): Decoded<string[]> {
  if (bytes.length === 0) return noHandle();
  if (bytes.length > MAX_RECEIPT_HANDLES_BYTES) {
    const reason = `ReceiptHandles has ${bytes.length} bytes; it may have ${MAX_RECEIPT_HANDLES_BYTES}`;
    return { refusal: "InvalidArgument", fault: "too-large", reason };
  }
  return decodeDocument(bytes, SHAPE, (root) => {
    const handles = root.children.map((child) => child.text).filter((handle) => handle !== "");
    return handles.length === 0 ? noHandle() : { value: handles };
  });
}

export function encodeReceiptHandles(handles: readonly string[]): string {
  return writeDocument("ReceiptHandles", handles.map((handle) => writeText("ReceiptHandle", handle)).join(""));
}

function noHandle(): Decoded<never> {
  return { refusal: "MissingReceiptHandle", fault: "no-handle", reason: "no ReceiptHandle has a text" };
}
