import {
  REFUSALS,
  type RefusalCode,
  STATUS_HANDLES_REFUSED,
  STATUS_METHOD_NOT_ALLOWED,
  STATUS_UNAVAILABLE,
} from "@stagemq/wire";
import type { BrokerErrorCode } from "../domain/broker-error.ts";
import type { HandleOutcome } from "../engine/engine.ts";

/** Every status and every Code of this door. */

export const SUCCESS_STATUS = { published: 201, delivered: 200, done: 204 } as const;

export interface HttpRefusal {
  readonly status: number;
  readonly code: RefusalCode;
  /** The connection ends after it. */
  readonly closes?: true;
}

/** What an engine refuses. */
export const BROKER_REFUSALS: Readonly<Record<BrokerErrorCode, HttpRefusal>> = {
  "topic-not-found": usual("TopicNotExist"),
  "group-not-found": usual("SubscriptionNotExist"),
  "invalid-argument": usual("InvalidArgument"),
  "message-too-large": usual("InvalidArgument"),
  "access-denied": usual("AccessDenied"),
  overloaded: usual("QpsLimitExceeded"),
  unsupported: usual("InvalidArgument"),
  "upstream-unavailable": usual("InternalServerError"),
  stopping: { code: "InternalServerError", status: STATUS_UNAVAILABLE, closes: true },
  "storage-full": { code: "InternalServerError", status: STATUS_UNAVAILABLE },
  "storage-failed": usual("InternalError"),
};

/** What a handle is refused with, inside `Errors`, whether one is bad or all. */
export const HANDLE_REFUSALS: Readonly<Record<NonNullable<HandleOutcome["refusal"]>, HttpRefusal>> = {
  invalid: { code: "ReceiptHandleError", status: STATUS_HANDLES_REFUSED },
  expired: { code: "MessageNotExist", status: STATUS_HANDLES_REFUSED },
};

/** What never reaches an engine. */
export type DoorRefusal =
  | "http-broken"
  | "headers-too-large"
  | "request-too-slow"
  | "request-too-large"
  | "path-unknown"
  | "method-unknown"
  | "query-unreadable"
  | "consumer-missing"
  | "authorization-missing"
  | "authorization-unreadable"
  | "date-missing"
  | "date-unreadable"
  | "date-too-far"
  | "key-unknown"
  | "token-wrong"
  | "signature-wrong"
  | "digest-wrong"
  | "xml-malformed"
  | "document-unfit"
  | "property-unreadable"
  | "handle-missing"
  | "nothing-to-deliver"
  | "no-room-for-answer"
  | "bug";

export const DOOR_REFUSALS: Readonly<Record<DoorRefusal, HttpRefusal>> = {
  "http-broken": { ...usual("InvalidRequestURL"), closes: true },
  "headers-too-large": { code: "InvalidArgument", status: 431, closes: true },
  "request-too-slow": { ...usual("TimeExpired"), closes: true },
  "request-too-large": usual("InvalidArgument"),
  "path-unknown": usual("InvalidRequestURL"),
  "method-unknown": { code: "InvalidRequestURL", status: STATUS_METHOD_NOT_ALLOWED },
  "query-unreadable": usual("InvalidQueryString"),
  "consumer-missing": usual("InvalidArgument"),
  "authorization-missing": usual("MissingAuthorizationHeader"),
  "authorization-unreadable": usual("InvalidAuthorizationHeader"),
  "date-missing": usual("MissingDateHeader"),
  "date-unreadable": usual("InvalidDateHeader"),
  "date-too-far": usual("TimeExpired"),
  "key-unknown": usual("InvalidAccessKeyId"),
  "token-wrong": usual("AccessDenied"),
  "signature-wrong": usual("SignatureDoesNotMatch"),
  "digest-wrong": usual("InvalidDigest"),
  "xml-malformed": usual("MalformedXML"),
  "document-unfit": usual("InvalidArgument"),
  "property-unreadable": usual("InvalidArgument"),
  "handle-missing": usual("MissingReceiptHandle"),
  "nothing-to-deliver": usual("MessageNotExist"),
  "no-room-for-answer": { code: "InternalServerError", status: STATUS_UNAVAILABLE },
  bug: usual("InternalError"),
};

function usual(code: RefusalCode): HttpRefusal {
  return { code, status: REFUSALS[code].status };
}
