import type { Answer } from "./connection.ts";

/** One delivered message, read leniently: what is wrong with it is to be said, not to be thrown. */
export type Delivered = Readonly<Record<DeliveredField, string | undefined>>;

const FIELDS = [
  "MessageId",
  "MessageBodyMD5",
  "MessageBody",
  "ReceiptHandle",
  "PublishTime",
  "FirstConsumeTime",
  "NextConsumeTime",
  "ConsumedTimes",
  "MessageTag",
  "Properties",
] as const;
type DeliveredField = (typeof FIELDS)[number];

/** `201`, `404 TopicNotExist`, `404 ReceiptHandleError MessageNotExist`. */
export function verdictOf({ status, body }: Answer): string {
  return [status, ...textsOf(body, "Code"), ...textsOf(body, "ErrorCode")].join(" ");
}

export function deliveredIn({ body }: Pick<Answer, "body">): readonly Delivered[] {
  if (!/<Messages[ >]/.test(body)) return [];
  return [...body.matchAll(/<Message>(.*?)<\/Message>/gs)].map(([, inner = ""]) =>
    Object.fromEntries(FIELDS.map((name) => [name, textsOf(inner, name)[0]])),
  ) as unknown as readonly Delivered[];
}

/** The texts of all elements of this name. */
export function textsOf(xml: string, name: string): readonly string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, "g"))].map(([, text = ""]) => unescapeXml(text));
}

export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\r", "&#13;");
}

/** A publish document of the plainest sort. */
export function messageDocument({ body = "", tag = "", properties = "" }): string {
  const optional = [
    tag === "" ? "" : `<MessageTag>${escapeXml(tag)}</MessageTag>`,
    properties === "" ? "" : `<Properties>${escapeXml(properties)}</Properties>`,
  ].join("");
  return `<Message><MessageBody>${escapeXml(body)}</MessageBody>${optional}</Message>`;
}

export function handlesDocument(handles: readonly string[]): string {
  return `<ReceiptHandles>${handles.map((handle) => `<ReceiptHandle>${escapeXml(handle)}</ReceiptHandle>`).join("")}</ReceiptHandles>`;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replaceAll(/&(?:#(\d+)|#x([0-9a-fA-F]+)|(\w+));/g, (whole, decimal, hex, name: string) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    return ENTITIES[name] ?? whole;
  });
}
