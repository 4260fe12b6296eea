import type { Id, Offset, Position } from "../journal/fact.ts";
import type { HalfMessage } from "./half-messages.ts";
import type { Ledger, TopicState } from "./ledger.ts";

/** Where a message is used. */
export type MessagePlace =
  | { readonly queue: number; readonly offset: Offset }
  | { readonly delayed: Id }
  | { readonly half: Id };

/** A message that may still be asked for, and where the fact stands from which it is read. */
export interface Living {
  readonly topic: Id;
  readonly place: MessagePlace;
  readonly position: Position;
  readonly bodyBytes: number;
}

/**
 * Everything that may still be asked for and needs what stands before `position`. The ledger may change meanwhile: messages
 * move on, from half to delayed to a queue to the dead letters, and are looked for in that order.
 */
export function* livingBefore(ledger: Ledger, position: Position): Generator<Living> {
  yield* waitingBefore(ledger, position);
  yield* queuedBefore(ledger, position);
}

/** Of it, what waits outside of any queue: for its due time, or for the end of its transaction. */
export function* waitingBefore(ledger: Ledger, position: Position): Generator<Living> {
  for (const topic of ledger.topics()) {
    for (const half of topic.half.all()) {
      if (!mayStillBeRead(half) || half.position >= position) continue;
      const { id, position: at, bodyBytes } = half;
      yield { topic: topic.id, place: { half: id }, position: at, bodyBytes };
    }
  }
  for (const delayed of ledger.delayed.all()) {
    if (delayed.position >= position) continue;
    const { id, topic, position: at, bodyBytes } = delayed;
    yield { topic, place: { delayed: id }, position: at, bodyBytes };
  }
}

/** Of it, what stands in message queues. */
export function* queuedBefore(ledger: Ledger, position: Position): Generator<Living> {
  for (const isDeadLetterTopic of [false, true]) {
    for (const topic of ledger.topics()) {
      if (topic.isDeadLetterTopic === isDeadLetterTopic) yield* queuedInTopic(topic, position);
    }
  }
}

function* queuedInTopic({ id, queues }: TopicState, position: Position): Generator<Living> {
  for (const [queue, messages] of queues.entries()) {
    for (const offset of messages.standingBefore(position)) {
      const [at, bodyBytes] = [messages.positionOf(offset), messages.bodyBytesOf(offset)];
      yield { topic: id, place: { queue, offset }, position: at, bodyBytes };
    }
  }
}

/** Whether it is still there, and read from the same place. */
export function isStillLiving(ledger: Ledger, { topic, place, position }: Living): boolean {
  if ("delayed" in place) return ledger.delayed.get(place.delayed)?.position === position;
  if ("half" in place) {
    const half = ledger.half(topic, place.half);
    return half !== undefined && mayStillBeRead(half) && half.position === position;
  }
  const messages = ledger.topicById(topic)?.queues[place.queue];
  return messages?.has(place.offset) === true && messages.positionOf(place.offset) === position;
}

/** With an outcome it is read no more, or from where it has gone. */
function mayStillBeRead({ state }: HalfMessage): boolean {
  return state !== "committed" && state !== "rolled-back";
}
