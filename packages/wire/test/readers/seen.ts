/** What crosses the table between a reader model and its test: the raw response, and what the SDK's caller sees of it. */

/** The official SDKs, in the order of the table of facts. */
export const sdks = ["Go", "Node", "Java", "Python", "PHP", "C#", "C++"] as const;

export type Sdk = (typeof sdks)[number];

/** What the SDK's caller asked for. Consuming in order and polling half messages are read like any consume. */
export type Operation = "publish" | "consume" | "acknowledge" | "end-transaction";

/** A response as on the wire: header names in their exact case. */
export interface RawResponse {
  readonly status: number;
  /** The reason phrase; an ordinary one when absent. */
  readonly reason?: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/** Element name → text. An element without text is not there: null, "" and absent are one to a caller. */
export type Fields = Readonly<Record<string, string>>;

/** One message as the caller gets it. */
export interface SeenMessage {
  readonly fields: Fields;
  readonly properties: Fields;
  /** Only Node, where `__TransCheckT` overwrites it (helper.js:94-97): shown, not judged. */
  readonly startDeliverTime?: string;
}

/** What the caller of an SDK sees; `as` says in which form, `requestId` only where the SDK takes it from the header. */
export type Seen =
  | { readonly kind: "published"; readonly message: Fields }
  | { readonly kind: "messages"; readonly messages: readonly SeenMessage[]; readonly requestId?: string }
  | { readonly kind: "acknowledged" }
  | {
      readonly kind: "failed handles";
      readonly as: string;
      readonly failures: readonly Fields[];
      readonly requestId?: string;
    }
  | { readonly kind: "refused"; readonly as: string; readonly refusal: Fields };

/** Either what the caller sees, or why that SDK cannot read the response. */
export type Reading =
  | { readonly ok: Seen; readonly problem?: never }
  | { readonly problem: string; readonly ok?: never };

/** The SDK's own failure: its caller gets an exception, a panic or an endless loop instead of the response. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
}

export const messageFields = [
  "MessageId",
  "MessageBodyMD5",
  "MessageBody",
  "ReceiptHandle",
  "PublishTime",
  "FirstConsumeTime",
  "NextConsumeTime",
  "ConsumedTimes",
  "MessageTag",
] as const;

/** Those of `messageFields` that most SDKs turn into integers. */
export const numberFields: ReadonlySet<string> = new Set([
  "PublishTime",
  "FirstConsumeTime",
  "NextConsumeTime",
  "ConsumedTimes",
]);

export const publishedFields = ["MessageId", "MessageBodyMD5", "ReceiptHandle"] as const;
export const failureFields = ["ErrorCode", "ErrorMessage", "ReceiptHandle"] as const;
export const refusalFields = ["Code", "Message", "RequestId", "HostId"] as const;

/** The header's value, its name compared without case as HTTP wants it. */
export function headerOf(response: RawResponse, name: string): string | undefined {
  return response.headers.find(([given]) => given.toLowerCase() === name)?.[1];
}

/** The header's value, its name compared letter by letter, as Python and Java do. */
export function headerExactly(response: RawResponse, name: string): string | undefined {
  return response.headers.find(([given]) => given === name)?.[1];
}

export function isTwoHundred(response: RawResponse): boolean {
  return response.status >= 200 && response.status < 300;
}

/** Only the fields that have text. */
export function withText(fields: Iterable<readonly [name: string, text: string | undefined]>): Fields {
  const kept: Record<string, string> = {};
  for (const [name, text] of fields) if (text !== undefined && text !== "") kept[name] = text;
  return kept;
}
