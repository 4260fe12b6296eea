import type { Client } from "@stagemq/client";
import { EXIT } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import { openInput, readAll } from "../messages/open-input.ts";
import { FORMATS, openPrinter } from "../messages/open-printer.ts";
import type { Printer } from "../messages/printer.ts";
import { readChoice } from "../messages/read-words.ts";
import { type LinesSent, type SentLine, sendLines } from "../messages/send-lines.ts";
import { openSender, openTransactionalSender, type Send, type Sent } from "../messages/sender.ts";
import { stopSignal } from "../messages/stop-signal.ts";
import { withClient } from "../messages/with-client.ts";
import { showProgress } from "../progress-bar.ts";
import { describeLinesSent, describeSent, formatSendProgress, sentLook } from "./describe-sending.ts";
import { readSendFlags, type SendFlags, type SendWords } from "./read-send-flags.ts";

/** More complaints than these nobody reads. */
const MAX_TOLD_LINES = 20;

/** Sends one message, or one for each line of a file. Resolves to the exit code. */
export function send(topic: string, body: string | undefined, flags: SendFlags, host: Host): Promise<number> {
  return withClient(flags, host, async (client) => {
    const words = readSendFlags(body, flags);
    const sending = { topic, words, flags, host, send: openSend(client, topic, words) };
    return flags.file === undefined ? await sendOne(body ?? "", sending) : await sendFile(flags.file, sending);
  });
}

interface Sending {
  readonly topic: string;
  readonly words: SendWords;
  readonly flags: SendFlags;
  readonly host: Host;
  readonly send: Send;
}

function openSend(client: Client, topic: string, { transaction }: SendWords): Send {
  if (transaction === undefined) return openSender(client, topic);
  return openTransactionalSender(client, { topic, ...transaction });
}

async function sendOne(body: string, { send, words, flags, host, topic }: Sending): Promise<number> {
  const format = readChoice("--output", flags.output ?? "table", FORMATS);
  const content = body === "-" ? await readAll(host.readInput()) : body;
  const sent = await send({ ...words.fields(Date.now()), body: content });
  const printer = await openPrinter(format, sentLook<Sent>(words), host);
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
    format: (step) => formatSendProgress(step, sentCount, totalBytes),
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
  // What ended it is told, however much was told before.
  if (outcome.failure !== undefined && toldCount > MAX_TOLD_LINES) host.tell(`${outcome.failure.sentence}\n`);
  host.tell(`${describeLinesSent(outcome, topic, words)}\n`);
  return exitCodeOf(outcome);
}

async function openFilePrinter(output: string, words: SendWords, host: Host): Promise<Printer<SentLine>> {
  const { columns, toRecord } = sentLook<SentLine>(words);
  const line = { head: "LINE", cell: (sent: SentLine) => String(sent.line) };
  return openPrinter(readChoice("--output", output, FORMATS), { columns: [line, ...columns], toRecord }, host);
}

function exitCodeOf({ failure, refused, unsent, nextLine }: LinesSent): number {
  if (failure !== undefined) return failure.exitCode;
  return refused > 0 || unsent.length > 0 || nextLine !== undefined ? EXIT.failure : EXIT.ok;
}
