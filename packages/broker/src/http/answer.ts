import {
  encodeError,
  encodeErrors,
  REFUSALS,
  REQUEST_ID_HEADER,
  type RefusalCode,
  STATUS_HANDLES_REFUSED,
  VERSION,
  VERSION_HEADER,
  XML_CONTENT_TYPE,
} from "@stagemq/wire";
import { KIB } from "../domain/size.ts";
import type { HandleOutcome, ReceiptHandle } from "../engine/engine.ts";
import { DOOR_REFUSALS, HANDLE_REFUSALS, type HttpRefusal, SUCCESS_STATUS } from "./error-table.ts";
import type { RefusalDetails } from "./refusal.ts";

/** What goes back to a client, whatever carries it. */
export interface Answer {
  readonly status: number;
  /** Names as they stand on the wire: Python looks the request id up in lower case (WIRE-63). */
  readonly headers: Readonly<Record<string, string>>;
  /** XML, as it goes out; a 204 has none. Text where it is short and of ASCII alone, which is sent at less cost. */
  readonly body?: Buffer | string;
  /** The connection ends after it. */
  readonly closes?: true;
  /** What must be given back when the client did not get this (DEL-8). */
  readonly deliveries?: readonly ReceiptHandle[];
  /** Absent where nothing was refused; an empty poll is no refusal. */
  readonly refusal?: { readonly code: RefusalCode; readonly hint?: string; readonly signed?: string };
}

/** Whose question it is: what every answer repeats. */
export interface Visit {
  readonly requestId: string;
  /** `http://` and the Host header. */
  readonly hostId: string;
}

/** The text of a larger one need not be kept beside its bytes while a client takes them. */
const MAX_TEXT = 64 * KIB;

export function succeed(visit: Visit, how: keyof typeof SUCCESS_STATUS, xml?: string): Answer {
  if (xml === undefined) return { status: SUCCESS_STATUS[how], headers: headersOf(visit, undefined) };
  const bytes = Buffer.byteLength(xml);
  const body = bytes === xml.length && bytes <= MAX_TEXT ? xml : Buffer.from(xml);
  return { status: SUCCESS_STATUS[how], headers: headersOf(visit, bytes), body };
}

export function refuse(visit: Visit, { code, status, closes }: HttpRefusal, details: RefusalDetails = {}): Answer {
  const message = sentence(code, details);
  const body = Buffer.from(encodeError({ code, message, ...visit }));
  return {
    status,
    headers: { ...headersOf(visit, body.length), ...details.headers },
    body,
    ...(closes ? { closes } : {}),
    refusal: {
      code,
      ...(details.hint === undefined ? {} : { hint: details.hint }),
      ...(details.signed === undefined ? {} : { signed: details.signed }),
    },
  };
}

/** The normal idle traffic, no refusal (WIRE-59). */
export function nothingToDeliver(visit: Visit): Answer {
  const { refusal: _, ...answer } = refuse(visit, DOOR_REFUSALS["nothing-to-deliver"]);
  return answer;
}

/** DEL-6: good handles need no word, each bad one gets its own. */
export function answerHandles(visit: Visit, outcomes: readonly HandleOutcome[]): Answer {
  const errors = outcomes.flatMap(({ handle, refusal, hint }) => {
    if (refusal === undefined) return [];
    const { code } = HANDLE_REFUSALS[refusal];
    return [{ code, message: sentence(code, hint === undefined ? {} : { hint }), receiptHandle: handle }];
  });
  const [first] = errors;
  if (!first) return succeed(visit, "done");
  const body = Buffer.from(encodeErrors(errors));
  const headers = headersOf(visit, body.length);
  return { status: STATUS_HANDLES_REFUSED, headers, body, refusal: { code: first.code, hint: first.message } };
}

function headersOf({ requestId }: Visit, bodyBytes: number | undefined): Record<string, string> {
  if (bodyBytes === undefined) return { [REQUEST_ID_HEADER]: requestId, [VERSION_HEADER]: VERSION };
  return {
    "Content-Type": XML_CONTENT_TYPE,
    "Content-Length": `${bodyBytes}`,
    [REQUEST_ID_HEADER]: requestId,
    [VERSION_HEADER]: VERSION,
  };
}

const CODES = Object.keys(REFUSALS);

/** REQ-5: clients search the text for Codes, and what it quotes came from a client: what would name one is left out. */
function sentence(code: RefusalCode, { text, hint }: RefusalDetails): string {
  const said = text === undefined || namesCode(text) ? REFUSALS[code].text : text;
  return hint === undefined || namesCode(hint) ? said : `${said} Hint: ${hint}`;
}

function namesCode(text: string): boolean {
  return CODES.some((code) => text.includes(code));
}
