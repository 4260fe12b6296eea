import { type ElementShape, readXml, type XmlElement } from "../xml/read-xml.ts";
import { XmlFault, type XmlFaultKind } from "../xml/xml-fault.ts";

/** Why a document was refused, for programs. */
export type DocumentFault = XmlFaultKind | "missing-element" | "unreadable-value" | "too-large" | "no-handle";

/** What a document says, or the Code that answers it, with a sentence for its sender. */
export type Decoded<T> = { value: T } | DocumentRefusal;

export interface DocumentRefusal {
  readonly refusal: "MalformedXML" | "InvalidArgument" | "MissingReceiptHandle";
  readonly fault: DocumentFault;
  readonly reason: string;
}

/** Reads a document of this shape and lets `interpret` make sense of it; an `XmlFault` of either becomes a refusal. */
export function decodeDocument<T>(
  bytes: Buffer,
  shape: ElementShape,
  interpret: (root: XmlElement) => Decoded<T>,
): Decoded<T> {
  let root: XmlElement;
  try {
    root = readXml(bytes, shape);
  } catch (error) {
    if (!(error instanceof XmlFault)) throw error;
    return { refusal: REFUSAL_OF[error.kind], fault: error.kind, reason: error.message };
  }
  return interpret(root);
}

export function missingElement(name: string): DocumentRefusal {
  return { refusal: "InvalidArgument", fault: "missing-element", reason: `${name} is missing or empty` };
}

/** What is no document of ours at all is malformed; what is one with something strange in it fails the schema. */
const REFUSAL_OF: Record<XmlFaultKind, "MalformedXML" | "InvalidArgument"> = {
  "not-well-formed": "MalformedXML",
  "forbidden-character": "MalformedXML",
  "invalid-utf8": "MalformedXML",
  doctype: "MalformedXML",
  "processing-instruction": "MalformedXML",
  comment: "MalformedXML",
  "xml-version": "MalformedXML",
  encoding: "MalformedXML",
  attribute: "InvalidArgument",
  "unknown-element": "InvalidArgument",
  "repeated-element": "InvalidArgument",
  "text-between-elements": "InvalidArgument",
  depth: "InvalidArgument",
};
