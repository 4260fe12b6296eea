import { ConnectionError } from "../errors/connection-error.ts";
import { RefusedError } from "../errors/refused-error.ts";
import type { StagemqError } from "../errors/stagemq-error.ts";
import { TimeoutError } from "../errors/timeout-error.ts";

/** A call that failed, with the names that the official SDK gives to what it knows. `cause` is this client's own error. */
export class MQError extends Error {
  override readonly cause: StagemqError;
  /** The broker's word where it refused: `TopicNotExist`, … `MessageNotExist` is a poll that found nothing. */
  readonly Code: string | undefined;
  /** By which the broker knows the request; absent where no reply came. */
  readonly RequestId: string | undefined;
  /** Where the connection failed, Node's word for it: `ECONNREFUSED`, … */
  readonly code: string | undefined;

  /** @param call as in `POST http://host/topics/orders/messages` */
  constructor(call: string, cause: StagemqError) {
    super(sentenceOf(call, cause));
    this.name = cause instanceof TimeoutError ? "RequestTimeoutError" : "Error";
    this.cause = cause;
    this.Code = cause instanceof RefusedError ? cause.code : undefined;
    this.RequestId = cause.requestId;
    this.code = cause instanceof ConnectionError ? codeOf(cause.cause) : undefined;
  }
}

function sentenceOf(call: string, cause: StagemqError): string {
  // Without a status: refused before it was sent.
  if (!(cause instanceof RefusedError) || cause.status === undefined) return `${call} failed. ${cause.message}`;
  const { status, requestId, code, message } = cause;
  return `${call} failed with ${status}. RequestId: ${requestId}, ErrorCode: ${code}, ErrorMsg: ${message}`;
}

function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
}
