import { REQUEST_ID_HEADER } from "@stagemq/wire";
import { RefusedError } from "../errors/refused-error.ts";
import type { StagemqError } from "../errors/stagemq-error.ts";
import { UnreadableReplyError } from "../errors/unreadable-reply-error.ts";
import type { HttpReply } from "../transport/reply-reader.ts";
import { readError } from "./read-reply.ts";
import { readXml, type XmlElement } from "./xml-element.ts";

const EXCERPT_CHARACTERS = 80;
/** Refused before anything was done, by word of the protocol. */
const BUSY_CODES = new Set(["QpsLimitExceeded", "Throttling"]);
const STATUS_TOO_MANY_REQUESTS = 429;
const STATUS_UNAVAILABLE = 503;

/** What `read` makes of a reply that says yes; every other reply is thrown as what it is. */
export function readSuccess<T>(reply: HttpReply, read: (root: XmlElement) => T): T {
  if (reply.status < 200 || reply.status > 299) throw refusalOf(reply);
  return readDocument(reply, read);
}

/** Throws an UnreadableReplyError where the document is none, or another than `read` expects. */
export function readDocument<T>(reply: HttpReply, read: (root: XmlElement) => T): T {
  const { status, body } = reply;
  const text = body.toString();
  try {
    return read(readXml(text));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const excerpt = JSON.stringify(text.slice(0, EXCERPT_CHARACTERS));
    throw new UnreadableReplyError(`The reply, ${status} ${excerpt}, is not the broker's: ${reason}.`, {
      status,
      requestId: requestIdOf(reply),
      cause,
      retryable: isPassing(status),
      // A gateway's 503 is not the broker's: Envoy says it where the connection broke after the request was passed on.
      outcomeUnknown: status < 300 || status >= 500,
    });
  }
}

/** The error that a reply is. */
export function refusalOf(reply: HttpReply): StagemqError {
  const { status } = reply;
  try {
    const { code, message, requestId } = readDocument(reply, readError);
    const [, told] = / Hint: (.*)$/s.exec(message) ?? [];
    const hint = told ?? hintFor(code, reply);
    const sentence = message === "" ? `${code}, and no word why.` : message;
    return new RefusedError(code, hint === told ? sentence : `${sentence} Hint: ${hint}`, {
      hint,
      status,
      requestId: requestIdOf(reply) ?? (requestId || undefined),
      retryable: BUSY_CODES.has(code) || isPassing(status),
      // PUB-6: with 503 nothing was stored.
      outcomeUnknown: status >= 500 && status !== STATUS_UNAVAILABLE,
    });
  } catch (error) {
    if (error instanceof UnreadableReplyError) return error;
    throw error;
  }
}

/** What a broker without hints leaves to be guessed. */
function hintFor(code: string, { headers }: HttpReply): string | undefined {
  if (code !== "TimeExpired" || headers.date === undefined) return undefined;
  return `compare the clock of this machine with the broker's, which says ${headers.date}.`;
}

export function requestIdOf({ headers }: HttpReply): string | undefined {
  return headers[REQUEST_ID_HEADER] || undefined;
}

function isPassing(status: number): boolean {
  return status >= 500 || status === STATUS_TOO_MANY_REQUESTS;
}
