import type { Offset } from "../journal/fact.ts";
import type { TopicState } from "../state/ledger.ts";

/** Messages that one slice drops at most. They cost next to nothing; the deliveries that end with them do. */
export const MAX_DROPPED = 100_000;
/** Deliveries that one slice ends at most, of all groups together: a few milliseconds. */
export const MAX_ENDED = 1_000;
/** Places that are looked at for deliveries at most. */
const MAX_LOOKS = 10_000;

/** How much of what must go may go in one turn of the loop, so that a million deliveries that end do not stop it. */
export class DropSlice {
  #dropped = 0;
  #ended = 0;
  #isFull = false;

  /** Whether something had to be left for the next one. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Takes of this message queue what must go up to `end`, and says up to where: at least one message, unless the slice is full. */
  take(topic: TopicState, queue: number, end: Offset): Offset {
    const head = topic.queues[queue]?.head ?? 0;
    if (end <= head) return head;
    if (this.#dropped >= MAX_DROPPED || this.#ended >= MAX_ENDED) this.#isFull = true;
    if (this.#isFull) return head;
    const looksUpTo = head + affordable(topic, queue, Math.min(end - head, MAX_DROPPED - this.#dropped));
    const ending = offsetsOutstanding(topic, queue, head, looksUpTo);
    const upTo = Math.max(head + 1, ending[MAX_ENDED - this.#ended] ?? looksUpTo);
    this.#dropped += upTo - head;
    this.#ended += Math.min(ending.length, MAX_ENDED - this.#ended);
    this.#isFull = upTo < end;
    return upTo;
  }
}

/** How many of so many messages can be looked at: a group is looked through by its deliveries or by the messages, whichever are fewer. */
function affordable(topic: TopicState, queue: number, count: number): number {
  const outstanding = [...topic.subscriptions.values()].map((each) => each.queue(queue).outstanding.size);
  const looks = (messages: number): number => outstanding.reduce((sum, size) => sum + Math.min(size, messages), 0);
  let enough = count;
  while (enough > 1 && looks(enough) > MAX_LOOKS) enough = Math.ceil(enough / 2);
  return enough;
}

/** The offsets of all groups' deliveries there, ascending; one that several groups have stands there several times. */
function offsetsOutstanding(topic: TopicState, queue: number, from: Offset, to: Offset): Offset[] {
  const offsets: Offset[] = [];
  for (const subscription of topic.subscriptions.values()) {
    for (const { offset } of subscription.outstandingIn(queue, from, to)) offsets.push(offset);
  }
  return offsets.sort((one, other) => one - other);
}
