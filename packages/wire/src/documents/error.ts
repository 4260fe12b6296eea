import { childText, type ElementShape } from "../xml/read-xml.ts";
import { writeDocument, writeText } from "../xml/write-xml.ts";
import { type Decoded, decodeDocument, missingElement } from "./decoded.ts";

/** The answer to a request that was refused as a whole, and to an empty poll. */
export interface ErrorDocument {
  readonly code: string;
  readonly message: string;
  readonly requestId: string;
  readonly hostId: string;
}

const SHAPE: ElementShape = {
  name: "Error",
  children: [{ name: "Code" }, { name: "Message" }, { name: "RequestId" }, { name: "HostId" }],
};

/** All four are always written: Python fails without any of them (WIRE-62). */
export function encodeError({ code, message, requestId, hostId }: ErrorDocument): string {
  return writeDocument(
    "Error",
    writeText("Code", code) +
      writeText("Message", message) +
      writeText("RequestId", requestId) +
      writeText("HostId", hostId),
  );
}

export function decodeError(bytes: Buffer): Decoded<ErrorDocument> {
  return decodeDocument(bytes, SHAPE, (root) => {
    const code = childText(root, "Code");
    if (!code) return missingElement("Code");
    const text = (name: string): string => childText(root, name) ?? "";
    return { value: { code, message: text("Message"), requestId: text("RequestId"), hostId: text("HostId") } };
  });
}
