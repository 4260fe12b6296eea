import { BrokerError, type BrokerErrorCode } from "../domain/broker-error.ts";
import { nearestName } from "../domain/nearest-name.ts";
import type { HandleOutcome } from "../engine/engine.ts";
import type { DoorRefusal, HttpRefusal } from "../http/error-table.ts";
import { Refusal } from "../http/refusal.ts";

interface HowToRefuse {
  /** As the door does. */
  readonly door?: DoorRefusal;
  /** As an engine does. */
  readonly engine?: BrokerErrorCode;
  /** Handle by handle, inside `Errors`. */
  readonly handle?: NonNullable<HandleOutcome["refusal"]>;
}

/** How each Code of the protocol comes about. */
const HOW = {
  MissingAuthorizationHeader: { door: "authorization-missing" },
  InvalidAuthorizationHeader: { door: "authorization-unreadable" },
  MissingDateHeader: { door: "date-missing" },
  InvalidDateHeader: { door: "date-unreadable" },
  TimeExpired: { door: "date-too-far" },
  InvalidAccessKeyId: { door: "key-unknown" },
  SignatureDoesNotMatch: { door: "signature-wrong" },
  AccessDenied: { engine: "access-denied" },
  InvalidDigest: { door: "digest-wrong" },
  InvalidRequestURL: { door: "path-unknown" },
  InvalidQueryString: { door: "query-unreadable" },
  InvalidArgument: { engine: "invalid-argument" },
  MalformedXML: { door: "xml-malformed" },
  MissingReceiptHandle: { door: "handle-missing" },
  ReceiptHandleError: { handle: "invalid" },
  MessageNotExist: { door: "nothing-to-deliver", handle: "expired" },
  TopicNotExist: { engine: "topic-not-found" },
  SubscriptionNotExist: { engine: "group-not-found" },
  QpsLimitExceeded: { engine: "overloaded" },
  InternalError: { door: "bug" },
  InternalServerError: { engine: "upstream-unavailable" },
} as const satisfies Record<HttpRefusal["code"], HowToRefuse>;

/** An error code of the protocol, as it stands in `<Code>`. */
export type ErrorCode = keyof typeof HOW;

export const ERROR_CODES = Object.keys(HOW) as readonly ErrorCode[];

/** What a refusal tells, so that nobody looks for its cause. */
const HINT = "a test asked for this (failNext).";

/** Throws a TypeError where there is no such code. */
export function checkErrorCode(given: unknown): ErrorCode {
  const known = ERROR_CODES.find((code) => code === given);
  if (known !== undefined) return known;
  const nearest = nearestName(String(given), ERROR_CODES);
  const end = nearest === undefined ? `There are ${ERROR_CODES.join(", ")}.` : `Did you mean ${nearest}?`;
  throw new TypeError(`${JSON.stringify(given)} is no error code. ${end}`);
}

/** What this code makes of a handle; undefined where the whole request is refused. */
export function handleRefusalOf(code: ErrorCode): HandleOutcome["refusal"] {
  const how: HowToRefuse = HOW[code];
  return how.handle;
}

/** Whether an operation without handles can be refused so. */
export function refusesRequests(code: ErrorCode): boolean {
  const how: HowToRefuse = HOW[code];
  return how.door !== undefined || how.engine !== undefined;
}

/** What an engine throws to be refused so. `isUnavailable`: with 503, which says that nothing was stored. */
export function toRefusal(code: ErrorCode, isUnavailable: boolean): Error {
  if (isUnavailable) return new BrokerError("storage-full", HINT);
  const { door, engine }: HowToRefuse = HOW[code];
  if (engine !== undefined) return new BrokerError(engine, HINT);
  return new Refusal(door ?? "bug", { hint: HINT });
}
