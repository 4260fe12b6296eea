import type { Moment } from "../../domain/moment.ts";
import type { EpochMs } from "../../domain/time.ts";
import type { Fact } from "../journal/fact.ts";
import { HalfMessages } from "../state/half-messages.ts";
import { IndexedHeap, NOT_IN_HEAP } from "../state/indexed-heap.ts";
import type { GroupState, Ledger } from "../state/ledger.ts";
import type { Subscription } from "../state/subscription.ts";
import type { Context } from "./context.ts";
import { Draft } from "./draft.ts";
import { ageRestsUntil } from "./too-old.ts";

/** Facts of one sweep, so that a million due messages do not stop the loop. */
export const MAX_SWEEP = 1_000;

/** Something that has come due, and the fact that says so. */
interface Due {
  readonly at: EpochMs;
  readonly write: () => void;
}

/** What must be written down when it comes due: at most `MAX_SWEEP` facts, oldest due first. Time must be settled before. */
export function decideSweep(
  ledger: Ledger,
  { moment, settings }: Pick<Context, "moment" | "settings">,
): readonly Fact[] {
  const mayAbandon = ageRestsUntil(ledger, settings) <= moment.now; // TIM-2
  const draft = new Draft(ledger, moment);
  const sources: Iterator<Due>[] = [toRelease(ledger, draft, moment)];
  for (const owner of ledger.toSweep) {
    if (sources.length > MAX_SWEEP) break;
    if (owner instanceof HalfMessages) {
      if (mayAbandon) sources.push(toAbandon(owner, draft, moment));
    } else sources.push(toDeadLetter(owner, ledger.groupById(owner.group), draft));
  }
  for (const { write } of oldestFirst(sources)) {
    if (draft.facts.length > MAX_SWEEP - 2) break; // a dead letter may bring its topic along
    write();
  }
  return draft.facts;
}

/** When the next sweep has something to write down that is due already, by `now()`. */
export function nextSweepAt({
  ledger,
  settings,
  now,
}: {
  ledger: Ledger;
  settings: Context["settings"];
  now: EpochMs;
}): EpochMs {
  if (ledger.toSweep.size === 0) return Number.POSITIVE_INFINITY;
  const restsUntil = ageRestsUntil(ledger, settings);
  if (restsUntil <= now) return now;
  for (const owner of ledger.toSweep) if (!(owner instanceof HalfMessages)) return now;
  return restsUntil;
}

function* toRelease(ledger: Ledger, draft: Draft, { now, wall }: Moment): Generator<Due> {
  for (const { id, topic, deliverAt } of ledger.delayed.due(wall)) {
    const write = (): void => {
      const offset = draft.drawOffset(topic, 0);
      draft.add({ kind: "delayed-message-released", id, topic, queue: 0, offset, at: now });
    };
    yield { at: deliverAt, write };
  }
}

function* toAbandon(halves: HalfMessages, draft: Draft, { now, wall }: Moment): Generator<Due> {
  for (const { id, topic, end } of halves.toAbandon()) {
    yield { at: end.until, write: () => draft.add({ kind: "transaction-abandoned", id, topic, at: now, wall }) };
  }
}

function* toDeadLetter({ exhausted }: Subscription, group: GroupState | undefined, draft: Draft): Generator<Due> {
  if (group === undefined) return;
  for (const outstanding of exhausted.inOrder()) {
    yield { at: outstanding.until, write: () => draft.deadLetter(group, outstanding) };
  }
}

/** Merges what is in order by itself; looks at no more than is taken. */
function* oldestFirst(sources: readonly Iterator<Due>[]): Generator<Due> {
  const heads = new IndexedHeap<{ readonly source: Iterator<Due>; readonly due: Due; heapIndex: number }>(
    (one, other) => one.due.at < other.due.at,
  );
  const advance = (source: Iterator<Due>): void => {
    const { done, value: due } = source.next();
    if (!done) heads.add({ source, due, heapIndex: NOT_IN_HEAP });
  };
  for (const source of sources) advance(source);
  for (let head = heads.first; head !== undefined; head = heads.first) {
    heads.remove(head);
    yield head.due;
    advance(head.source);
  }
}
