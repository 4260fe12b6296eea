import {
  ConnectionError,
  InvalidArgumentError,
  RefusedError,
  StagemqError,
  TimeoutError,
  UnreadableReplyError,
} from "@stagemq/client";
import { EXIT } from "../exit-codes.ts";
import { UsageMistake } from "../usage-mistake.ts";
import { OpenTransactionError } from "./open-transaction-error.ts";
import { speaksNoTls } from "./speaks-no-tls.ts";
import { toOneLine } from "./to-one-line.ts";

/** What to tell, and how to end. */
export interface Failure {
  readonly sentence: string;
  readonly exitCode: number;
}

const EXIT_OF_STATUS: Readonly<Record<number, number>> = {
  401: EXIT.denied,
  403: EXIT.denied,
  404: EXIT.notFound,
  409: EXIT.conflict,
};
const KEY_ADVICE = "Set the key with --access-key-id and --access-key-secret, or in the environment.";
const INSTANCE_ADVICE = "Is it in another instance (--instance)?";

/** A failure that people can do something about. Undefined: it is none, but a mistake of ours. */
export function describeFailure(error: unknown): Failure | undefined {
  if (error instanceof UsageMistake) return { sentence: error.message, exitCode: error.exitCode };
  if (error instanceof OpenTransactionError) return describeOpenTransaction(error);
  if (!(error instanceof StagemqError)) return undefined;
  const sentence = error.outcomeUnknown ? `${describe(error)} It may have been done all the same.` : describe(error);
  return { sentence: toOneLine(sentence), exitCode: exitCodeOf(error) };
}

function describeOpenTransaction(error: OpenTransactionError): Failure | undefined {
  const failure = describeFailure(error.cause);
  return failure && { ...failure, sentence: `${failure.sentence} ${error.message}` };
}

function describe(error: StagemqError): string {
  const { message } = error;
  if (error instanceof RefusedError) return describeRefusal(error);
  if (error instanceof ConnectionError && speaksNoTls(error.cause))
    return `${message} Does it speak http (--endpoint)?`;
  if (error instanceof ConnectionError || error instanceof TimeoutError) {
    return `${message} Is a broker there? Start one with stagemq dev, or name another with --endpoint.`;
  }
  if (error instanceof UnreadableReplyError) return `${message} Is that a broker (--endpoint)?`;
  return message;
}

function describeRefusal({ code, message, hint }: RefusedError): string {
  const [text = ""] = message.split(" Hint: ", 1);
  const said = text.startsWith(code) ? text : `${code}: ${text}`;
  const advice = adviceFor(code, hint);
  return advice === undefined ? said : `${said} ${advice}`;
}

/** The broker knows more of a refusal than we do; but of keys we know the flags, and what it signed helps only who signs. */
function adviceFor(code: string, hint: string | undefined): string | undefined {
  if (code === "SignatureDoesNotMatch") return KEY_ADVICE;
  const ofBroker = hint && `${hint.charAt(0).toUpperCase()}${hint.slice(1)}`;
  if (code === "InvalidAccessKeyId") return ofBroker === undefined ? KEY_ADVICE : `${ofBroker} ${KEY_ADVICE}`;
  const isUnknown = code === "TopicNotExist" || code === "SubscriptionNotExist";
  return ofBroker ?? (isUnknown ? INSTANCE_ADVICE : undefined);
}

function exitCodeOf(error: StagemqError): number {
  if (error instanceof InvalidArgumentError) return EXIT.usage;
  if (error instanceof RefusedError) return EXIT_OF_STATUS[error.status ?? 0] ?? EXIT.failure;
  const isNobodyThere = [ConnectionError, TimeoutError, UnreadableReplyError].some((sort) => error instanceof sort);
  return isNobodyThere ? EXIT.unreachable : EXIT.failure;
}
