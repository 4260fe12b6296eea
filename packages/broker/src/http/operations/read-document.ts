import { type Decoded, schemaText } from "@stagemq/wire";
import { Refusal } from "../refusal.ts";

/** What a document says; refuses one that cannot be read. */
export function readDocument<T>(decoded: Decoded<T>): T {
  if ("value" in decoded) return decoded.value;
  switch (decoded.refusal) {
    case "MalformedXML":
      throw new Refusal("xml-malformed", { hint: `${decoded.reason}.` });
    case "InvalidArgument":
      throw new Refusal("document-unfit", { text: schemaText(decoded.reason) });
    case "MissingReceiptHandle":
      throw new Refusal("handle-missing");
  }
}
