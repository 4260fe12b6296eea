/** Why a document was refused though a general XML parser would read it. A closed list: the fuzz test holds the reader to it. */
export const STRICTNESS_FAULTS = [
  "doctype",
  "processing-instruction",
  "comment",
  "attribute",
  "unknown-element",
  "repeated-element",
  "text-between-elements",
  "depth",
  "xml-version",
  "encoding",
] as const;

/** Why a document is no XML 1.0 in UTF-8 at all. */
const FORM_FAULTS = ["not-well-formed", "forbidden-character", "invalid-utf8"] as const;

export type XmlFaultKind = (typeof STRICTNESS_FAULTS)[number] | (typeof FORM_FAULTS)[number];

/** The first thing in a document that the reader does not take; `message` says it to a person, with the byte where it stands. */
export class XmlFault extends Error {
  override readonly name = "XmlFault";
  readonly kind: XmlFaultKind;

  constructor(kind: XmlFaultKind, message: string) {
    super(message);
    this.kind = kind;
  }
}
