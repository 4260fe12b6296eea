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
export function sendLines(chunks: AsyncIterable<Uint8Array>, options: SendLinesOptions): Promise<LinesSent> {
  return new LineSender(options).run(chunks);
}

class LineSender {
  readonly #options: SendLinesOptions;
  readonly #lanes = new Lanes(MAX_AT_ONCE);
  readonly #unsent: number[] = [];
  #sent = 0;
  #refused = 0;
  #failure: Failure | undefined;
  #nextLine: number | undefined;

  constructor(options: SendLinesOptions) {
    this.#options = options;
  }

  async run(chunks: AsyncIterable<Uint8Array>): Promise<LinesSent> {
    for await (const line of readLines(until(this.#options, chunks))) {
      if (this.#isOver()) {
        this.#nextLine = line.number;
        break;
      }
      await this.#take(line);
      this.#options.onRead(line.bytes.length + 1);
    }
    await this.#lanes.drained();
    return {
      sent: this.#sent,
      refused: this.#refused,
      failure: this.#failure,
      unsent: this.#unsent.sort((a, b) => a - b),
      nextLine: this.#nextLine,
    };
  }

  #isOver(): boolean {
    return this.#options.signal.aborted || this.#failure !== undefined;
  }

  /** Resolves when there is room for more. */
  async #take(line: Line): Promise<void> {
    const { complete, pace, signal } = this.#options;
    const message = this.#read(line);
    if (message === undefined) return;
    // Cut short by the end, of which it is told when its turn comes.
    await pace?.turn(signal).catch(() => undefined);
    await this.#lanes.enter(message.shardingKey ?? "", () => this.#send(line.number, complete(message)));
  }

  #read({ number, bytes }: Line): MessageToSend | undefined {
    try {
      const text = decodeUtf8(bytes);
      return text.trim() === "" ? undefined : parseMessageLine(text, Date.now());
    } catch (error) {
      this.#fail(number, error);
      return undefined;
    }
  }

  async #send(line: number, message: MessageToSend): Promise<void> {
    if (this.#isOver()) {
      this.#unsent.push(line);
      return;
    }
    try {
      const reply = await this.#options.send(message);
      this.#sent += 1;
      await this.#options.onSent({ line, ...reply });
    } catch (error) {
      this.#fail(line, error);
    }
  }

  /** Tells of a line; one failure in all is what ended it. A mistake of ours is thrown. */
  #fail(line: number, error: unknown): void {
    const failure = describeFailure(error);
    if (failure === undefined) throw error;
    this.#options.onFailure(line, failure.sentence);
    if (isAboutOneMessage(error)) {
      this.#refused += 1;
      return;
    }
    this.#failure ??= failure;
    this.#unsent.push(line);
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new UsageMistake("This is not UTF-8.");
  }
}

function isAboutOneMessage(error: unknown): boolean {
  if (error instanceof RefusedError) return ABOUT_ONE_MESSAGE.includes(error.code);
  return error instanceof InvalidArgumentError || error instanceof UsageMistake;
}
