import type { TopicRef } from "../../domain/names.ts";
import type { Position } from "../journal/fact.ts";
import type { Damage, Lost, Range } from "./damage.ts";
import type { Alive } from "./find-alive.ts";

/** What an earlier repair, or forgetting, has left without facts; `from` and `to` are offsets from `base`. */
export type Filled = Range & { readonly segment: number; readonly base: Position };

interface Losses {
  readonly damages: readonly Damage[];
  /** Below the snapshot, where no fact stands any more. */
  readonly gone: readonly Range[];
  readonly filled: readonly Filled[];
  /** What the ledger counts on in what is gone. */
  readonly alive: readonly Alive[];
  /** What stands behind the first damage that a start cannot do without. */
  readonly behind: { readonly messages: number; readonly topics: readonly TopicRef[] };
}

/** Says of each damage what is lost by it, as far as anybody can know; and of more damages, where something is lost that nobody noticed. */
export function countLosses({ damages, gone, filled, alive, behind }: Losses): Damage[] {
  const losses = gone.map((range) => {
    const unreadable = alive.filter(({ at, content }) => content === undefined && at >= range.from && at < range.to);
    return { ...range, messages: unreadable.length, topics: namesOf(unreadable.map(({ topic }) => topic)) };
  });
  const lossesIn = (from: Position, to: Position): Lost => {
    const within = losses.filter((loss) => loss.from >= from && loss.from < to);
    return {
      messages: within.reduce((sum, { messages }) => sum + messages, 0),
      topics: [...new Set(within.flatMap(({ topics }) => topics))],
      atLeast: false,
    };
  };
  const told = damages.map((damage): Damage => {
    if (damage.sort === "unreadable") {
      const { base, to } = damage.run;
      return base === undefined ? damage : { ...damage, lost: lossesIn(base, to) };
    }
    if (damage.sort !== "bytes" || damage.needed) return damage;
    const { base } = damage.header;
    return { ...damage, lost: lossesIn(base + damage.from, base + damage.to) };
  });
  const firstNeeded = told.findIndex((damage) => "needed" in damage && damage.needed && !isHarmless(damage));
  const first = told[firstNeeded];
  if (first !== undefined) {
    const lost = { messages: behind.messages, topics: namesOf(behind.topics), atLeast: true };
    told[firstNeeded] = { ...first, lost };
  }
  return [...told, ...unfinishedRepairs(filled, alive)];
}

/** Filled, and yet something is believed to stand there. */
function unfinishedRepairs(filled: readonly Filled[], alive: readonly Alive[]): Damage[] {
  return filled.flatMap(({ segment, base, from, to }): Damage[] => {
    const concerned = alive.filter(({ at }) => at >= base + from && at < base + to);
    if (concerned.length === 0) return [];
    const lost = { messages: concerned.length, topics: namesOf(concerned.map(({ topic }) => topic)), atLeast: false };
    return [{ sort: "filled", segment, from, to, needed: false, lost }];
  });
}

/** A head that can be written anew costs nothing. */
function isHarmless(damage: Damage): boolean {
  return damage.sort === "head" && damage.recovered !== undefined;
}

function namesOf(refs: readonly TopicRef[]): string[] {
  return [...new Set(refs.map(({ topic }) => topic))].sort();
}
