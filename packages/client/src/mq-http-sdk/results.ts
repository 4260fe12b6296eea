/** What the methods resolve to. Numbers of a message are texts of digits, as the official SDK gives them. */

export interface PublishResult {
  readonly code: 201;
  readonly requestId: string;
  readonly body: StoredMessage;
}

export interface StoredMessage {
  readonly MessageId: string;
  /** Upper-case hexadecimal. */
  readonly MessageBodyMD5: string;
  /** Of a half message: what commits it or rolls it back. */
  readonly ReceiptHandle?: string;
}

export interface ConsumeResult {
  readonly code: 200;
  readonly requestId: string;
  /** At least one. */
  readonly body: Message[];
}

export interface Message {
  readonly MessageId: string;
  readonly MessageBody: string;
  /** Upper-case hexadecimal. */
  readonly MessageBodyMD5: string;
  /** Empty if it has none. */
  readonly MessageTag: string;
  readonly MessageKey?: string;
  readonly ShardingKey?: string;
  /** Of a delayed message: epoch milliseconds. A number. */
  readonly StartDeliverTime?: number;
  /** Of a transactional message: seconds before the first back-check. A number. */
  readonly TransCheckImmunityTime?: number;
  /** The sender's own. */
  readonly Properties: Record<string, string>;
  /** Epoch milliseconds. */
  readonly PublishTime: string;
  /** Epoch milliseconds; means nothing in ordered consumption. */
  readonly FirstConsumeTime: string;
  /** Epoch milliseconds: when it comes again unless it is acknowledged. */
  readonly NextConsumeTime: string;
  /** Which delivery this is, from 1. */
  readonly ConsumedTimes: string;
  /** Acknowledges this delivery. */
  readonly ReceiptHandle: string;
}

/** Look at `code`: that handles were refused is not thrown. */
export type HandlesResult =
  | { readonly code: 204; readonly requestId: string; readonly body: undefined }
  | { readonly code: 404; readonly requestId: string; readonly body: RefusedHandle[] };

export interface RefusedHandle {
  /** `MessageNotExist`: it came too late. `ReceiptHandleError`: it is no handle. */
  readonly ErrorCode: string;
  readonly ErrorMessage: string;
  readonly ReceiptHandle: string;
}
