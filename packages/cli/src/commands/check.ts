import type { CheckedMessage, TransactionalProducer } from "@stagemq/client";
import { EXIT } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import type { ClientFlags } from "../messages/client-flags.ts";
import { count } from "../messages/count.ts";
import { type End, endTransactions, gatherHalfMessages, type HalfMessages } from "../messages/half-messages.ts";
import { messageLook } from "../messages/message-look.ts";
import { FORMATS, openPrinter } from "../messages/open-printer.ts";
import { readChoice, readWait } from "../messages/read-words.ts";
import { stopSignal } from "../messages/stop-signal.ts";
import { tellIfSlow } from "../messages/tell-if-slow.ts";
import { withClient } from "../messages/with-client.ts";
import { UsageMistake } from "../usage-mistake.ts";

/** What the command line of `check` says. */
export interface CheckFlags extends ClientFlags {
  readonly group?: string;
  /** True: all of them. */
  readonly commit?: true | readonly string[];
  readonly rollback?: true | readonly string[];
  readonly wait?: string;
  readonly yes?: boolean;
}

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
    const named = readNamed(flags);
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
    const ends = named ?? toAll(await decide(found, flags, host), found);
    const late = await endFound(producer, ends, { found, signal });
    host.tell(`${describeOutcome(topic, found, ends, [...missing, ...late])}\n`);
    return missing.length + late.length > 0 ? EXIT.notFound : EXIT.ok;
  });
}

/** How to end those that are named; undefined: none is. */
function readNamed({ commit, rollback }: CheckFlags): ReadonlyMap<string, End> | undefined {
  if (commit !== undefined && rollback !== undefined && (commit === true || rollback === true)) {
    throw new UsageMistake("With --commit and --rollback together, each needs the ids of its messages.");
  }
  const named = new Map<string, End>();
  for (const [end, ids] of [
    ["commit", commit],
    ["rollback", rollback],
  ] as const) {
    for (const id of ids === undefined || ids === true ? [] : ids) {
      if (named.has(id)) throw new UsageMistake(`${id} is named twice.`);
      named.set(id, end);
    }
  }
  return named.size === 0 ? undefined : named;
}

function pick(gathered: HalfMessages, named: ReadonlyMap<string, End>): HalfMessages {
  return new Map([...gathered].filter(([id]) => named.has(id)));
}

/** What to do with all of them. A person is asked; a script has said it. */
async function decide(
  found: HalfMessages,
  { commit, rollback, yes }: CheckFlags,
  host: Host,
): Promise<End | undefined> {
  const told = commit === undefined ? rollback && "rollback" : "commit";
  if (found.size === 0 || yes || !host.interactive) return told;
  const what = count(found.size, "half message");
  if (told === undefined) {
    const answer = await host.ask(`Commit, roll back or leave ${what}? [c/r/L] `);
    return /^c(ommit)?$/i.test(answer.trim())
      ? "commit"
      : /^r(oll ?back)?$/i.test(answer.trim())
        ? "rollback"
        : undefined;
  }
  const answer = await host.ask(`${told === "commit" ? "Commit" : "Roll back"} ${what}? [y/N] `);
  return /^y(es)?$/i.test(answer.trim()) ? told : undefined;
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
