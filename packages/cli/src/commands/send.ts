import type { Client } from "@stagemq/client";
import { EXIT } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import type { ClientFlags } from "../messages/client-flags.ts";
import { count } from "../messages/count.ts";
import type { MessageToSend } from "../messages/message-record.ts";
import { openInput, readAll } from "../messages/open-input.ts";
import { FORMATS, openPrinter } from "../messages/open-printer.ts";
import { Pace } from "../messages/pace.ts";
import type { Look } from "../messages/printer.ts";
import { readChoice, readInstant, readProperties, readRate } from "../messages/read-words.ts";
import { type LinesSent, type SentLine, sendLines } from "../messages/send-lines.ts";
import {
  openSender,
  openTransactionalSender,
  type Send,
  type Sent,
  TRANSACTION_ENDS,
  type TransactionEnd,
} from "../messages/sender.ts";
import { stopSignal } from "../messages/stop-signal.ts";
import { withClient } from "../messages/with-client.ts";
import { formatBar, type ProgressStep, showProgress } from "../progress-bar.ts";
import { UsageMistake } from "../usage-mistake.ts";

/** What the command line of `send` says. */
export interface SendFlags extends ClientFlags {
  readonly tag?: string;
  readonly key?: string;
  readonly shardingKey?: string;
  readonly property?: readonly string[];
  readonly at?: string;
  readonly transaction?: string;
  readonly group?: string;
  readonly file?: string;
  readonly rate?: string;
}

/** More complaints than these nobody reads. */
const MAX_TOLD_LINES = 20;

/** Sends one message, or one for each line of a file. Resolves to the exit code. */
export function send(topic: string, body: string | undefined, flags: SendFlags, host: Host): Promise<number> {
  return withClient(flags, host, async (client) => {
    const words = readFlags(body, flags);
    const sending = { topic, words, flags, host, send: openSend(client, topic, words) };
    return flags.file === undefined ? await sendOne(body ?? "", sending) : await sendFile(flags.file, sending);
  });
}

/** The flags, read. */
interface Words {
  /** What the flags say of a message. */
  fields(now: number): Partial<MessageToSend>;
  readonly transaction: { readonly end: TransactionEnd; readonly group: string } | undefined;
  readonly pace: Pace | undefined;
}

interface Sending {
  readonly topic: string;
  readonly words: Words;
  readonly flags: SendFlags;
  readonly host: Host;
  readonly send: Send;
}

function readFlags(body: string | undefined, flags: SendFlags): Words {
  if (body === undefined && flags.file === undefined) {
    throw new UsageMistake("Say what to send: a BODY, - for standard input, or --file FILE.");
  }
  if (body !== undefined && flags.file !== undefined) {
    throw new UsageMistake("There is a BODY and a --file; one of them is enough.");
  }
  if (flags.rate !== undefined && flags.file === undefined) throw new UsageMistake("--rate goes with --file.");
  const { tag, key, shardingKey, property, at } = flags;
  const properties = property === undefined ? undefined : readProperties("--property", property);
  const fields = (now: number): Partial<MessageToSend> => ({
    ...(tag === undefined ? {} : { tag }),
    ...(key === undefined ? {} : { keys: [key] }),
    ...(properties === undefined ? {} : { properties }),
    ...(shardingKey === undefined ? {} : { shardingKey }),
    ...(at === undefined ? {} : { deliverAt: readInstant("--at", at, now) }),
  });
  fields(0);
  return {
    fields,
    transaction: readTransaction(flags),
    pace: flags.rate === undefined ? undefined : new Pace(readRate("--rate", flags.rate)),
  };
}

function readTransaction({ transaction, group }: SendFlags): Words["transaction"] {
  if (transaction === undefined) {
    if (group !== undefined)
      throw new UsageMistake("--group goes with --transaction: it is who may be asked about it.");
    return undefined;
  }
  const end = readChoice("--transaction", transaction, TRANSACTION_ENDS);
  if (group === undefined) throw new UsageMistake("--transaction needs --group: who may be asked about it.");
  return { end, group };
}

function openSend(client: Client, topic: string, { transaction }: Words): Send {
  if (transaction === undefined) return openSender(client, topic);
  return openTransactionalSender(client, { topic, ...transaction });
}

async function sendOne(body: string, { send, words, flags, host, topic }: Sending): Promise<number> {
  const format = readChoice("--output", flags.output ?? "table", FORMATS);
  const content = body === "-" ? await readAll(host.readInput()) : body;
  const sent = await send({ ...words.fields(Date.now()), body: content });
  const printer = await openPrinter(format, lookOf<Sent>(words), host);
  await printer.print([sent]);
  await printer.end();
  host.tell(`${describeSent(1, topic, words)}\n`);
  return EXIT.ok;
}

async function sendFile(path: string, { send, words, flags, host, topic }: Sending): Promise<number> {
  const signal = stopSignal(host);
  const printer = flags.output === undefined ? undefined : await openFilePrinter(flags.output, words, host);
  const { chunks, totalBytes } = await openInput(path, host);
  let sentCount = 0;
  let toldCount = 0;
  const progress = showProgress(host, {
    quiet: flags.quiet ?? false,
    format: (step) => formatProgress(step, sentCount, totalBytes),
  });
  progress.begin(totalBytes ?? 0);
  const outcome = await sendLines(chunks, {
    send,
    complete: (message) => ({ ...words.fields(Date.now()), ...message }),
    pace: words.pace,
    signal,
    onRead: (bytes) => progress.add(bytes),
    onSent: async (sent) => {
      sentCount += 1;
      await printer?.print([sent]);
    },
    onFailure: (line, sentence) => {
      toldCount += 1;
      progress.end();
      if (toldCount <= MAX_TOLD_LINES) host.tell(`line ${line}: ${sentence}\n`);
      if (toldCount === MAX_TOLD_LINES + 1) host.tell("…\n");
    },
  });
  progress.end();
  await printer?.end();
  host.tell(`${describeOutcome(outcome, topic, words)}\n`);
  return exitCodeOf(outcome);
}

async function openFilePrinter(output: string, words: Words, host: Host) {
  const { columns, toRecord } = lookOf<SentLine>(words);
  const line = { head: "LINE", cell: (sent: SentLine) => String(sent.line) };
  return openPrinter(readChoice("--output", output, FORMATS), { columns: [line, ...columns], toRecord }, host);
}

function lookOf<T extends Sent>({ transaction }: Words): Look<T> {
  return {
    toRecord: (sent) => sent,
    columns: [
      { head: "MESSAGE ID", cell: ({ messageId }) => messageId },
      ...(transaction === undefined ? [] : [{ head: "TRANSACTION", cell: (sent: T) => sent.transaction ?? "" }]),
      { head: "BODY MD5", cell: ({ bodyMd5 }) => bodyMd5 },
    ],
  };
}

function describeSent(sent: number, topic: string, { transaction }: Words): string {
  if (transaction === undefined) return `${count(sent, "message")} sent to ${topic}`;
  const { end, group } = transaction;
  if (end === "commit") return `${count(sent, "message")} sent to ${topic}, committed`;
  if (end === "rollback") return `${count(sent, "message")} sent to ${topic}, rolled back`;
  return `${count(sent, "half message")} sent to ${topic}, left open: in 10 s see stagemq check ${topic} -g ${group}`;
}

/** `12 messages sent to orders, 2 lines refused. Not sent: lines 14, 15 and all from 17 on.` */
function describeOutcome({ sent, refused, unsent, nextLine }: LinesSent, topic: string, words: Words): string {
  const counts = `${describeSent(sent, topic, words)}${refused === 0 ? "" : `; ${count(refused, "line")} refused`}`;
  const named = unsent.length === 0 ? [] : [`${unsent.length === 1 ? "line" : "lines"} ${unsent.join(", ")}`];
  const left = [...named, ...(nextLine === undefined ? [] : [`all from line ${nextLine} on`])];
  return left.length === 0 ? counts : `${counts}. Not sent: ${left.join(" and ")}`;
}

function exitCodeOf({ failure, refused, unsent, nextLine }: LinesSent): number {
  if (failure !== undefined) return failure.exitCode;
  return refused > 0 || unsent.length > 0 || nextLine !== undefined ? EXIT.failure : EXIT.ok;
}

function formatProgress({ done, total, forMs }: ProgressStep, sent: number, totalBytes: number | undefined): string {
  const rate = `${Math.round((sent / Math.max(forMs, 1)) * 1_000).toLocaleString("en-US")}/s`;
  if (totalBytes === undefined) return `${count(sent, "message")} · ${rate}`;
  const leftSeconds = Math.ceil(((total - done) / Math.max(done, 1)) * (forMs / 1_000));
  return `${formatBar(done / Math.max(total, 1))}  ${count(sent, "message")} · ${rate} · ${Math.max(leftSeconds, 0)} s left`;
}
