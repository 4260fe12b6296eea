import type { CheckedMessage, TransactionalProducer } from "@stagemq/client";
import { EXIT } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import { count } from "../messages/count.ts";
import { type End, endTransactions, gatherHalfMessages, type HalfMessages } from "../messages/half-messages.ts";
import { messageLook } from "../messages/message-look.ts";
import { FORMATS, openPrinter } from "../messages/open-printer.ts";
import { readChoice, readWait } from "../messages/read-words.ts";
import { stopSignal } from "../messages/stop-signal.ts";
import { tellIfSlow } from "../messages/tell-if-slow.ts";
import { withClient } from "../messages/with-client.ts";
import { UsageMistake } from "../usage-mistake.ts";
import { type CheckFlags, decideEndOfAll, readNamedEnds } from "./decide-ends.ts";

/** Half messages are asked about every 10 s. */
const DEFAULT_WAIT = "12s";
const DONE = { commit: "committed", rollback: "rolled back" } as const;

/** Shows the half messages that the broker asks about, and ends their transactions. Resolves to the exit code. */
export function check(topic: string, flags: CheckFlags, host: Host): Promise<number> {
  return withClient(flags, host, async (client) => {
    const { group } = flags;
    if (group === undefined) throw new UsageMistake("Say for which group: --group GID.");
    const waitMs = readWait("--wait", flags.wait ?? DEFAULT_WAIT);
    const format = readChoice("--output", flags.output ?? "table", FORMATS);
    const named = readNamedEnds(flags);
    const producer = client.transactionalProducer(topic, group);
    const printer = await openPrinter<CheckedMessage>(format, messageLook({ attempt: "CHECK" }), host);
    const signal = stopSignal(host);

    const over = tellIfSlow(host, `Waiting for half messages of ${topic} for up to ${waitMs / 1_000} s.`);
    const gathered = await gatherHalfMessages(producer, {
      waitMs,
      signal,
      ...(named === undefined ? {} : { wanted: [...named.keys()] }),
    }).finally(over);
    const found = named === undefined ? gathered : pick(gathered, named);
    await printer.print([...found.values()]);
    await printer.end();
    const missing = [...(named?.keys() ?? [])].filter((id) => !found.has(id));
    // Whoever stops it while it waits wants nothing done.
    const ends = signal.aborted
      ? new Map<string, End>()
      : (named ?? toAll(await decideEndOfAll(found.size, flags, host), found));
    const late = await endFound(producer, ends, { found, signal });
    host.tell(`${describeOutcome(topic, found, ends, [...missing, ...late])}\n`);
    return missing.length + late.length > 0 ? EXIT.notFound : EXIT.ok;
  });
}

function pick(gathered: HalfMessages, named: ReadonlyMap<string, End>): HalfMessages {
  return new Map([...gathered].filter(([id]) => named.has(id)));
}

function toAll(end: End | undefined, found: HalfMessages): ReadonlyMap<string, End> {
  return new Map(end === undefined ? [] : [...found.keys()].map((id) => [id, end]));
}

function endFound(
  producer: TransactionalProducer,
  ends: ReadonlyMap<string, End>,
  around: { readonly found: HalfMessages; readonly signal: AbortSignal },
): Promise<readonly string[]> {
  const there = new Map([...ends].filter(([id]) => around.found.has(id)));
  return endTransactions(producer, there, around);
}

/** `3 half messages of orders, 2 committed, 1 left`. */
function describeOutcome(
  topic: string,
  found: HalfMessages,
  ends: ReadonlyMap<string, End>,
  missing: readonly string[],
): string {
  const done = [...ends].filter(([id]) => !missing.includes(id)).map(([, end]) => end);
  const parts = (["commit", "rollback"] as const).flatMap((end) => {
    const amount = done.filter((each) => each === end).length;
    return amount === 0 ? [] : [`${amount.toLocaleString("en-US")} ${DONE[end]}`];
  });
  const lost =
    missing.length === 0 ? "" : `. Nobody asks about ${missing.join(", ")}: ended already, or another topic?`;
  return `${[`${count(found.size, "half message")} of ${topic}`, ...parts].join(", ")}${lost}`;
}
