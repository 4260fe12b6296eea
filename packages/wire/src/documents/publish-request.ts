import { childText, type ElementShape } from "../xml/read-xml.ts";
import { writeDocument, writeText } from "../xml/write-xml.ts";
import { type Decoded, decodeDocument, missingElement } from "./decoded.ts";

/** A message as its sender hands it in; `properties` is the text `name:value|…`. */
export interface PublishRequestDocument {
  readonly body: string;
  readonly tag: string;
  readonly properties: string;
}

/** Exported for the fuzz test. */
export const PUBLISH_REQUEST_SHAPE: ElementShape = {
  name: "Message",
  children: [{ name: "MessageBody" }, { name: "MessageTag" }, { name: "Properties" }],
};

/** `bodyBytes` is the size of the body in UTF-8. PHP leaves an empty body out, so missing and empty are one refusal. */
export function decodePublishRequest(bytes: Buffer): Decoded<PublishRequestDocument & { bodyBytes: number }> {
  return decodeDocument(bytes, PUBLISH_REQUEST_SHAPE, (root) => {
    const body = childText(root, "MessageBody");
    if (!body) return missingElement("MessageBody");
    const tag = childText(root, "MessageTag") ?? "";
    const properties = childText(root, "Properties") ?? "";
    return { value: { body, bodyBytes: Buffer.byteLength(body), tag, properties } };
  });
}

export function encodePublishRequest({ body, tag, properties }: PublishRequestDocument): string {
  return writeDocument(
    "Message",
    writeText("MessageBody", body) + writeText("MessageTag", tag) + writeText("Properties", properties),
  );
}
