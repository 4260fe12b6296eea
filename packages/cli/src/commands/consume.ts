import type { ReceivedMessage } from "@stagemq/client";
import { EXIT } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import type { ClientFlags } from "../messages/client-flags.ts";
import { describeFailure } from "../messages/describe-failure.ts";
import { messageLook } from "../messages/message-look.ts";
import { FORMATS, openPrinter } from "../messages/open-printer.ts";
import { readChoice, readCount, readWait } from "../messages/read-words.ts";
import { type Received, receiveUntil } from "../messages/receive-until.ts";
import { stopSignal } from "../messages/stop-signal.ts";
import { tellIfSlow } from "../messages/tell-if-slow.ts";
import { withClient } from "../messages/with-client.ts";
import { UsageMistake } from "../usage-mistake.ts";

/** What the command line of `consume` says. */
export interface ConsumeFlags extends ClientFlags {
  readonly group?: string;
  readonly ordered?: boolean;
  readonly tag?: string;
  readonly number?: string;
  readonly wait?: string;
  /** False after `--no-acknowledge`. */
  readonly acknowledge?: boolean;
  readonly follow?: boolean;
}

const DEFAULT_NUMBER = "16";
const DEFAULT_WAIT = "5s";

/** Prints messages of a topic and acknowledges them. Resolves to the exit code. */
export function consume(topic: string, flags: ConsumeFlags, host: Host): Promise<number> {
  return withClient(flags, host, async (client) => {
    const { group, tag, ordered = false, follow: follows = false, acknowledge: acknowledges = true } = flags;
    if (group === undefined) throw new UsageMistake("Say for which group: --group GID.");
    if (follows && flags.wait !== undefined) throw new UsageMistake("--follow waits anyway: leave --wait out.");
    const waitMs = readWait("--wait", flags.wait ?? DEFAULT_WAIT);
    const max = readMax(flags);
    const format = readChoice("--output", flags.output ?? "table", FORMATS);
    const consumer = client.consumer(topic, group, { tag, ordered });
    const printer = await openPrinter<ReceivedMessage>(format, messageLook({ attempt: "ATTEMPT", ordered }), host);

    const tally: Received = { received: 0, acknowledged: 0, refused: 0, nextAt: undefined };
    const signal = stopSignal(host);
    const onFailure = tellOnce(host);
    const wait = follows ? "; Ctrl-C ends it" : ` for up to ${waitMs / 1_000} s`;
    const over = tellIfSlow(host, `Waiting for messages of ${topic}${wait}.`);
    let isDone = false;
    try {
      await receiveUntil(consumer, { printer, max, waitMs, follows, acknowledges, signal, onFailure }, tally);
      isDone = true;
    } finally {
      over();
      await printer.end();
      // Where nothing came because of a failure, that is all there is to say.
      if (isDone || tally.received > 0) host.tell(`${describeTally(tally)}\n`);
    }
    return tally.refused > 0 ? EXIT.failure : EXIT.ok;
  });
}

function readMax({ number, follow }: ConsumeFlags): number {
  if (number === undefined && follow) return Number.POSITIVE_INFINITY;
  return readCount("--number", number ?? DEFAULT_NUMBER);
}

/** Trouble that goes on is told once. */
function tellOnce(host: Host): (error: unknown) => void {
  let told = "";
  return (error) => {
    const sentence = describeFailure(error)?.sentence ?? String(error);
    if (sentence !== told) host.tell(`${sentence} Trying again.\n`);
    told = sentence;
  };
}

/** `16 received, none acknowledged; 16 come again, the first at 2026-11-21T12:05:00.000Z`. */
function describeTally({ received, acknowledged, nextAt }: Received): string {
  const left = received - acknowledged;
  if (received === 0) return "0 received";
  const counts = `${received.toLocaleString("en-US")} received, ${acknowledged === 0 ? "none" : acknowledged.toLocaleString("en-US")} acknowledged`;
  if (left === 0) return counts;
  const comes = `${left.toLocaleString("en-US")} ${left === 1 ? "comes" : "come"} again`;
  return `${counts}; ${comes}${nextAt === undefined ? "" : `, the first at ${nextAt.toISOString()}`}`;
}
