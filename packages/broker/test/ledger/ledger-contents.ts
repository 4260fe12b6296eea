import type { Ledger } from "../../src/embedded/state/ledger.ts";
import type { MessageQueue } from "../../src/embedded/state/message-queue.ts";
import type { Subscription } from "../../src/embedded/state/subscription.ts";

/** What a ledger holds, field by field, in one order whatever its history. What time alone changes is not part of it. */
export function contentsOf(ledger: Ledger): ReadonlyMap<string, string> {
  const contents = new Map<string, string>();
  const note = (path: string, fields: object): void => {
    for (const [name, value] of Object.entries(fields)) {
      if (typeof value !== "function") contents.set(`${path} ${name}`, textOf(value));
    }
  };
  const { newestAt, nextId, delayed, wallClockStep, ages } = ledger;
  note("ledger", {
    newestAt,
    nextId,
    nextDelayedAt: delayed.nextAt,
    delayedBytes: delayed.bodyBytes,
    wallClockStep,
    oldest: ages.oldest,
  });
  note("order", { topics: [...ledger.topics()].map(({ id }) => id), groups: [...ledger.groups()].map(({ id }) => id) });
  for (const { id, ref, settings, origin, declaredStarts } of ledger.groups()) {
    note(`group ${id}`, { ref, settings, origin, declaredStarts, isFound: ledger.group(ref)?.id === id });
  }
  for (const topic of ledger.topics()) {
    const { id, ref, kind, origin, isDeadLetterTopic, queues, half: halves, subscriptions } = topic;
    const isFound = ledger.topic(ref) === topic;
    const delayedCount = delayed.countOf(id);
    note(`topic ${id}`, { ref, kind, origin, isDeadLetterTopic, isFound, queues: queues.length, delayedCount });
    note(`topic ${id}`, { open: halves.open.size, abandoned: halves.abandonedCount, halfBytes: halves.bodyBytes });
    for (const [index, queue] of queues.entries()) noteQueue(`topic ${id} queue ${index}`, queue, note);
    for (const { isDue: _, heapIndex: __, end: ___, capturedIn: ____, ...half } of halves.all()) {
      const found = halves.get(half.id);
      note(`half ${half.id}`, { ...half, abandonAt: found && halves.abandonAt(found) });
    }
    for (const subscription of subscriptions.values()) noteSubscription(subscription, queues.length, note);
  }
  for (const { heapIndex: _, capturedIn: __, ...waiting } of delayed.all()) note(`delayed ${waiting.id}`, waiting);
  return contents;
}

type Note = (path: string, fields: object) => void;

function noteQueue(path: string, queue: MessageQueue, note: Note): void {
  const { slices, ...captured } = queue.capture();
  note(path, captured);
  for (const { from, to, tags, positions, storedAt = positions, ...columns } of slices()) {
    const others = Object.entries({ ...columns, positions, storedAt });
    for (let index = 0; index < to - from; index++) {
      const told = others.map(([name, column]) => `${name} ${column?.[index]}`);
      note(`${path} offset ${from + index}`, { message: `tag ${tags[2 * index]} ${tags[2 * index + 1]} ${told}` });
    }
  }
}

function noteSubscription(subscription: Subscription, queues: number, note: Note): void {
  const { topic, group, waiting: _, exhausted: __, capturedIn: ___, ...counts } = subscription;
  const path = `subscription ${topic}/${group}`;
  note(path, { ...counts, outstandingCount: subscription.outstandingCount });
  for (let index = 0; index < queues; index++) {
    const { ready, outstanding, quietFrom, heldUntil } = subscription.queue(index);
    note(`${path} queue ${index}`, { ready: ready.entries(), quietFrom, heldUntil });
    for (const { subscription: owner, isDue: _, heapIndex: __, capturedIn: ___, ...rest } of outstanding.values()) {
      note(`${path} queue ${index} offset ${rest.offset}`, { ...rest, isOwned: owner === subscription });
    }
  }
}

/** Where two ledgers differ, a line for each field; nothing where they hold the same. */
export function describeDifference(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): string[] {
  if (isSame(one, other)) return [];
  const show = (contents: ReadonlyMap<string, string>, field: string): string => contents.get(field) ?? "absent";
  return [...new Set([...one.keys(), ...other.keys()])]
    .filter((field) => show(one, field) !== show(other, field))
    .map((field) => `${field}: ${show(one, field)} is not ${show(other, field)}`);
}

function isSame(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  for (const [field, value] of one) if (other.get(field) !== value) return false;
  return one.size === other.size;
}

/** The plain ones, which are the most, without the detour. */
function textOf(value: unknown): string {
  if (typeof value === "object" && value !== null) return JSON.stringify(value, inOrder);
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** Maps too, and whatever comes in one order here and in another there. */
function inOrder(_key: string, value: unknown): unknown {
  if (value instanceof Map) return [...value].sort(([one], [other]) => one - other);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
  }
  return value === Number.POSITIVE_INFINITY ? "infinity" : value;
}
