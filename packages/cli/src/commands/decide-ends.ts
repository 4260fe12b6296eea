import type { Host } from "../host.ts";
import type { ClientFlags } from "../messages/client-flags.ts";
import { count } from "../messages/count.ts";
import type { End } from "../messages/half-messages.ts";
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

/** How to end those that are named; undefined: none is. */
export function readNamedEnds({ commit, rollback }: CheckFlags): ReadonlyMap<string, End> | undefined {
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

/** What to do with all of so many. A person is asked; a script has said it. Undefined: leave them. */
export async function decideEndOfAll(
  amount: number,
  { commit, rollback, yes }: Pick<CheckFlags, "commit" | "rollback" | "yes">,
  { interactive, ask }: Pick<Host, "interactive" | "ask">,
): Promise<End | undefined> {
  const told = commit === true ? "commit" : rollback === true ? "rollback" : undefined;
  if (amount === 0 || yes || !interactive) return told;
  const what = count(amount, "half message");
  if (told === undefined) return toEnd(await ask(`Commit, roll back or leave ${what}? [c/r/L] `));
  const answer = await ask(`${told === "commit" ? "Commit" : "Roll back"} ${what}? [y/N] `);
  return /^y(es)?$/i.test(answer.trim()) ? told : undefined;
}

function toEnd(answer: string): End | undefined {
  if (/^c(ommit)?$/i.test(answer.trim())) return "commit";
  return /^r(oll ?back)?$/i.test(answer.trim()) ? "rollback" : undefined;
}
