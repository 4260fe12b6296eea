import { Buffer } from "node:buffer";
import { formatProperties, type PropertyPair, type PublishRequestDocument, parseProperties } from "@stagemq/wire";
import { MAX_PROPERTIES_BYTES } from "./encode-message.ts";

/** Adds properties of ours to a message: never in the place of the sender's own, and never beyond what is allowed. */
export function addProperties(message: PublishRequestDocument, added: readonly PropertyPair[]): PublishRequestDocument {
  if (added.length === 0) return message;
  const properties = formatProperties([...parseProperties(message.properties).pairs, ...added]).text.slice(0, -1);
  return Buffer.byteLength(properties) > MAX_PROPERTIES_BYTES ? message : { ...message, properties };
}
