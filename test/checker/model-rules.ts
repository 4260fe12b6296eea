import type { SeededRandom } from "../crash/seeded-random.ts";
import { matches } from "./checks/what-may-be.ts";
import type { Got, Sort } from "./history.ts";
import type { Held, Message } from "./model-message.ts";

/** Everything that a mutant may have wrong, each as small as can be. Instants and durations are milliseconds. */
export const TRUE_RULES = {
  isDurable: (syncedAt: number, now: number, _verb: string) => syncedAt <= now,
  answersAt: (_now: number, syncedAt: number, _verb: string) => syncedAt,
  startTakes: (usual: number) => usual,
  heldAfterStart: (held: Held) => held,
  delayedAfterStart: (dueAt: number) => dueAt,
  isStuckAfterStart: (_queue: number) => false,

  storesRefused: () => false,
  copies: (_random: SeededRandom) => 1,
  queueFor: (queue: number, _random: SeededRandom) => queue,
  placeFor: (length: number, _random: SeededRandom) => length,
  isSeenBeforeCommit: (_random: SeededRandom) => false,
  dueAt: (dueAt: number) => dueAt,

  matches: (filter: string, tag: string, _count: number) => matches(filter, tag),
  isAgainDue: (until: number, now: number, _sort: Sort) => until <= now,
  isOpen: (inFlight: readonly Held[]) => inFlight.length === 0,
  joins: () => false,
  comesAgain: (_held: Held, _random: SeededRandom) => true,
  againFirst: () => true,
  fresh: (messages: readonly Message[], _group: string) => messages,
  again: (held: readonly Held[], max: number) => held.slice(0, max),
  mayExceed: 0,

  invisibleFor: (duration: number, _sort: Sort) => duration,
  told: (until: number) => until,
  handle: (fresh: string, _before: string | undefined) => fresh,
  countAfter: (count: number, _sort: Sort) => count + 1,
  firstTold: (first: number, _now: number) => first,
  got: (got: Got, _random: SeededRandom) => got,
  countGivenBack: (before: number, _delivered: number) => before,
  dropsGivenBack: () => false,

  isInTime: (until: number, now: number) => now < until,
  isHandleOf: (held: Held, handle: string) => held.handle === handle,
  anyHandle: () => false,
  mayRepeat: () => true,
  acknowledges: (_random: SeededRandom) => true,
  acknowledgesBatch: () => false,
  acknowledgesForAll: () => false,
  mostDeliveries: (maxRetries: number) => 1 + maxRetries,
  deadLetters: (_random: SeededRandom) => 1,
  deadLetterAcknowledged: (_random: SeededRandom) => false,

  firstCheckAt: (publishedAt: number, immunity: number, rounded: number) =>
    Math.ceil((publishedAt + immunity) / rounded) * rounded,
  checkAgainAt: (until: number, _now: number) => until,
  checksUntil: (firstDueAt: number, checksFor: number) => firstDueAt + checksFor,
  isEndRefused: (_random: SeededRandom) => false,
  canEndAgain: () => false,
  isDeliveredOnRollback: () => false,
  isCheckedAfterEnd: () => false,

  wakes: (_because: "publish" | "time" | "end") => true,
  waitsFor: (wait: number) => wait,
};

export type Rules = typeof TRUE_RULES;
