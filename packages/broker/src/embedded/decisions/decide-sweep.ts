import type { Moment } from "../../domain/moment.ts";
import type { Fact } from "../journal/fact.ts";
import { HalfMessages } from "../state/half-messages.ts";
import type { Ledger } from "../state/ledger.ts";
import { Draft } from "./draft.ts";

/** D10: so that a million due messages do not stop the loop. */
export const MAX_SWEEP = 1_000;

/** What must be written down when it comes due: at most `MAX_SWEEP` facts, oldest due first. Time must be settled before. */
export function decideSweep(ledger: Ledger, moment: Moment): readonly Fact[] {
  const draft = new Draft(ledger, moment);
  const due: { at: number; write: () => void }[] = [];

  for (const { id, topic, deliverAt } of first(MAX_SWEEP, ledger.delayed.due(moment.wall))) {
    const write = (): void => {
      const offset = draft.drawOffset(topic, 0);
      draft.add({ kind: "delayed-message-released", id, topic, queue: 0, offset, at: moment.now });
    };
    due.push({ at: deliverAt, write });
  }
  for (const owner of first(MAX_SWEEP, ledger.toSweep)) {
    if (owner instanceof HalfMessages) {
      for (const { id, topic, end } of first(MAX_SWEEP, owner.toAbandon())) {
        due.push({
          at: end.until,
          write: () => draft.add({ kind: "transaction-abandoned", id, topic, at: moment.now }),
        });
      }
      continue;
    }
    const group = ledger.groupById(owner.group);
    if (group === undefined) continue;
    for (const outstanding of first(MAX_SWEEP, owner.exhausted.inOrder())) {
      due.push({ at: outstanding.until, write: () => draft.deadLetter(group, outstanding) });
    }
  }

  due.sort((one, other) => one.at - other.at);
  for (const { write } of due) {
    if (draft.facts.length > MAX_SWEEP - 2) break; // a dead letter may bring its topic along
    write();
  }
  return draft.facts;
}

function* first<Item>(count: number, items: Iterable<Item>): Generator<Item> {
  let taken = 0;
  for (const item of items) {
    if (taken++ === count) return;
    yield item;
  }
}
