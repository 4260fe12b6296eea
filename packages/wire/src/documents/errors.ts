import { childText, type ElementShape } from "../xml/read-xml.ts";
import { writeDocument, writeGroup, writeText } from "../xml/write-xml.ts";
import { type Decoded, decodeDocument, missingElement } from "./decoded.ts";

/** What became of one handle that was refused. None of the three may be empty: Python fails on it (WIRE-95). */
export interface HandleErrorDocument {
  readonly code: string;
  readonly message: string;
  /** As sent. */
  readonly receiptHandle: string;
}

const SHAPE: ElementShape = {
  name: "Errors",
  children: [
    {
      name: "Error",
      many: true,
      children: [{ name: "ErrorCode" }, { name: "ErrorMessage" }, { name: "ReceiptHandle" }],
    },
  ],
};

/** An empty list must not be sent: Go panics on it (Go SDK decoder.go:82). */
export function encodeErrors(errors: readonly HandleErrorDocument[]): string {
  const line = (name: string, text: string): string => writeText(name, text, "    ");
  const groups = errors.map(({ code, message, receiptHandle }) =>
    writeGroup("Error", line("ErrorCode", code) + line("ErrorMessage", message) + line("ReceiptHandle", receiptHandle)),
  );
  return writeDocument("Errors", groups.join(""));
}

export function decodeErrors(bytes: Buffer): Decoded<HandleErrorDocument[]> {
  return decodeDocument(bytes, SHAPE, (root) => {
    const errors: HandleErrorDocument[] = [];
    for (const element of root.children) {
      const code = childText(element, "ErrorCode");
      if (!code) return missingElement("ErrorCode");
      const message = childText(element, "ErrorMessage") ?? "";
      const receiptHandle = childText(element, "ReceiptHandle") ?? "";
      errors.push({ code, message, receiptHandle });
    }
    return { value: errors };
  });
}
