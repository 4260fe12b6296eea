import { count } from "../messages/count.ts";
import type { Look } from "../messages/printer.ts";
import type { LinesSent } from "../messages/send-lines.ts";
import type { Sent } from "../messages/sender.ts";
import { formatBar, type ProgressStep } from "../progress-bar.ts";
import type { SendWords } from "./read-send-flags.ts";

/** What people are told while messages are sent, and after it. */

export function sentLook<T extends Sent>({ transaction }: SendWords): Look<T> {
  return {
    toRecord: (sent) => sent,
    columns: [
      { head: "MESSAGE ID", cell: ({ messageId }) => messageId },
      ...(transaction === undefined ? [] : [{ head: "TRANSACTION", cell: (sent: T) => sent.transaction ?? "" }]),
      { head: "BODY MD5", cell: ({ bodyMd5 }) => bodyMd5 },
    ],
  };
}

export function describeSent(sent: number, topic: string, { transaction }: SendWords): string {
  if (transaction === undefined) return `${count(sent, "message")} sent to ${topic}`;
  const { end, group } = transaction;
  if (end === "commit") return `${count(sent, "message")} sent to ${topic}, committed`;
  if (end === "rollback") return `${count(sent, "message")} sent to ${topic}, rolled back`;
  return `${count(sent, "half message")} sent to ${topic}, left open: in 10 s see stagemq check ${topic} -g ${group}`;
}

/** `12 messages sent to orders; 2 lines refused. Not sent: lines 14, 15 and all from line 17 on` */
export function describeLinesSent(
  { sent, refused, unsent, nextLine }: LinesSent,
  topic: string,
  words: SendWords,
): string {
  const counts = `${describeSent(sent, topic, words)}${refused === 0 ? "" : `; ${count(refused, "line")} refused`}`;
  const { single, from } = splitUnsent(unsent, nextLine);
  const named = single.length === 0 ? [] : [`${single.length === 1 ? "line" : "lines"} ${single.join(", ")}`];
  const left = [...named, ...(from === undefined ? [] : [`all from line ${from} on`])];
  return left.length === 0 ? counts : `${counts}. Not sent: ${left.join(" and ")}`;
}

/** Lines that reach up to those not looked at are among "all from". */
function splitUnsent(
  unsent: readonly number[],
  nextLine: number | undefined,
): { single: readonly number[]; from: number | undefined } {
  const single = [...unsent];
  let from = nextLine;
  while (from !== undefined && single.at(-1) === from - 1) from = single.pop();
  return { single, from };
}

/** `███░ 62 %  124,000 messages · 4,100/s · 18 s left` */
export function formatSendProgress(
  { done, total, forMs }: ProgressStep,
  sent: number,
  totalBytes: number | undefined,
): string {
  const rate = `${Math.round((sent / Math.max(forMs, 1)) * 1_000).toLocaleString("en-US")}/s`;
  if (totalBytes === undefined) return `${count(sent, "message")} · ${rate}`;
  const leftSeconds = Math.ceil(((total - done) / Math.max(done, 1)) * (forMs / 1_000));
  return `${formatBar(done / Math.max(total, 1))}  ${count(sent, "message")} · ${rate} · ${Math.max(leftSeconds, 0)} s left`;
}
