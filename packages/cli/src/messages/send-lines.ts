import { InvalidArgumentError, RefusedError } from "@stagemq/client";
import { UsageMistake } from "../usage-mistake.ts";
import { describeFailure, type Failure } from "./describe-failure.ts";
import { Lanes } from "./lanes.ts";
import { type MessageToSend, parseMessageLine } from "./message-record.ts";
import { until } from "./open-input.ts";
import type { Pace } from "./pace.ts";
import { type Line, readLines } from "./read-lines.ts";
import type { Send, Sent } from "./sender.ts";

/** A line of a file, and what the broker said of it. */
export interface SentLine extends Sent {
  readonly line: number;
}

export interface SendLinesOptions {
  readonly send: Send;
  /** For the fields that a line does not have. */
  readonly complete: (message: MessageToSend) => MessageToSend;
  readonly pace: Pace | undefined;
  /** Ends it; what is under way is finished. */
  readonly signal: AbortSignal;
  /** How far it is, after every line that was read. */
  readonly onRead: (bytes: number) => void;
  readonly onSent: (sent: SentLine) => Promise<unknown>;
  /** A line that was not sent, and why. */
  readonly onFailure: (line: number, sentence: string) => void;
}

/** What became of the lines. */
export interface LinesSent {
  readonly sent: number;
  /** Lines that are no message, or one that nobody takes. */
  readonly refused: number;
  /** What ended it before its time. */
  readonly failure: Failure | undefined;
  /** Lines that may be sent again as they are. */
  readonly unsent: readonly number[];
  /** The first line that was not looked at, if there is one. */
  readonly nextLine: number | undefined;
}

const MAX_AT_ONCE = 16;
/** Refusals that are about one message; any other would meet all of them. */
const ABOUT_ONE_MESSAGE = ["InvalidArgument", "MalformedXML"];

/**
 * Sends a message for every line. A line that is refused does not touch the others; a broker that cannot be used ends it.
 * Messages with different sharding keys go side by side, all the others in the order of the file.
 */
export async function sendLines(chunks: AsyncIterable<Uint8Array>, options: SendLinesOptions): Promise<LinesSent> {
  const { send, complete, pace, signal, onRead, onSent, onFailure } = options;
  const lanes = new Lanes(MAX_AT_ONCE);
  const unsent: number[] = [];
  let [sent, refused] = [0, 0];
  let failure: Failure | undefined;
  let nextLine: number | undefined;

  const isOver = () => signal.aborted || failure !== undefined;
  const refuse = (line: number, { sentence }: Failure): void => {
    refused += 1;
    onFailure(line, sentence);
  };
  const sendOne = async (line: number, message: MessageToSend): Promise<void> => {
    if (isOver()) {
      unsent.push(line);
      return;
    }
    try {
      const reply = await send(message);
      sent += 1;
      await onSent({ line, ...reply });
    } catch (error) {
      const described = describeFailure(error);
      if (described === undefined) throw error;
      if (isAboutOneMessage(error)) return refuse(line, described);
      failure ??= described;
      unsent.push(line);
      onFailure(line, described.sentence);
    }
  };

  for await (const line of readLines(until({ signal }, chunks))) {
    if (isOver()) {
      nextLine = line.number;
      break;
    }
    const read = readMessage(line);
    if (read !== undefined && "sentence" in read) refuse(line.number, read);
    else if (read !== undefined) {
      if (pace !== undefined) await pace.turn(signal).catch(ignoreEnd(signal));
      const message = complete(read);
      await lanes.enter(message.shardingKey ?? "", () => sendOne(line.number, message));
    }
    onRead(line.bytes.length + 1);
  }
  await lanes.drained();
  return { sent, refused, failure, unsent: unsent.sort((a, b) => a - b), nextLine };
}

function readMessage({ bytes }: Line): MessageToSend | Failure | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.trim() === "" ? undefined : parseMessageLine(text, Date.now());
  } catch (error) {
    if (error instanceof TypeError) return describeFailure(new UsageMistake("This is not UTF-8."));
    const described = describeFailure(error);
    if (described === undefined) throw error;
    return described;
  }
}

function isAboutOneMessage(error: unknown): boolean {
  if (error instanceof RefusedError) return ABOUT_ONE_MESSAGE.includes(error.code);
  return error instanceof InvalidArgumentError || error instanceof UsageMistake;
}

/** Of a wait that was cut short by the end. */
function ignoreEnd(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}
