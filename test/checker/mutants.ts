import type { Rules } from "./model-rules.ts";
import type { Property } from "./violation.ts";

/** Brokers that are wrong in one place, and the property that must find each. */
export const MUTANTS: readonly (readonly [property: Property, what: string, rules: Partial<Rules>])[] = [
  ["C1", "a crash forgets what was confirmed just before", { isDurable: (syncedAt, now) => syncedAt <= now - 60 }],
  [
    "C1",
    "a publish is answered before it is on the disk",
    { answersAt: (now, syncedAt, verb) => (verb === "publish" ? now : syncedAt) },
  ],
  ["C1", "a delivery that nobody received counts as ended", { dropsGivenBack: () => true }],
  ["C1", "what was not acknowledged in time does not come again", { comesAgain: () => false }],
  ["C1", "now and then a message does not come a third time", { comesAgain: ({ count }) => count < 2 }],
  ["C1", "one acknowledgement ends the whole batch", { acknowledgesBatch: () => true }],
  ["C1", "one group acknowledges for all", { acknowledgesForAll: () => true }],
  ["C1", "a dead letter is thrown away", { deadLetters: () => 0 }],

  ["C2", "a refused message is stored all the same", { storesRefused: () => true }],
  ["C2", "a message is stored twice", { copies: (random) => (random.percent(3) ? 2 : 1) }],
  [
    "C2",
    "a body comes with a flipped bit",
    { got: (got, random) => (random.percent(2) ? { ...got, sum: got.sum ^ 1 } : got) },
  ],
  ["C2", "a tag gets lost", { got: (got) => ({ ...got, tag: got.tag === "ab" ? "" : got.tag }) }],
  ["C2", "a property gets lost", { got: (got, random) => (random.percent(2) ? { ...got, props: 0 } : got) }],
  ["C2", "a body belongs to nobody", { got: (got, random) => (random.percent(2) ? { ...got, uid: "", sum: 0 } : got) }],
  [
    "C2",
    "a message has another id when it comes again",
    { got: (got) => (got.c === 2 ? { ...got, id: `${got.id}a` } : got) },
  ],

  ["C3", "an acknowledgement is answered and forgotten", { acknowledges: (random) => !random.percent(5) }],
  [
    "C3",
    "an acknowledgement is answered before it is on the disk",
    { answersAt: (now, syncedAt, verb) => (verb === "ack" ? now : syncedAt) },
  ],
  ["C3", "a crash forgets acknowledgements", { isDurable: (syncedAt, now, verb) => syncedAt <= now && verb !== "ack" }],
  ["C3", "a transaction that was ended is asked about", { isCheckedAfterEnd: () => true }],

  ["C4", "a timer is early", { isAgainDue: (until, now, sort) => until - (sort === "plain" ? 100 : 0) <= now }],
  ["C4", "a timer is 20 ms early", { isAgainDue: (until, now) => until - 20 <= now }],
  ["C4", "a start makes everything ready", { heldAfterStart: (held) => ({ ...held, until: 0 }) }],
  ["C4", "NextConsumeTime is another than the one that counts", { told: (until) => until + 50 }],
  [
    "C4",
    "an ordered delivery hides as long as a plain one",
    { invisibleFor: (duration, sort) => (sort === "ordered" ? 1_200 : duration) },
  ],
  ["C4", "a handle stays when the message comes again", { handle: (fresh, before) => before ?? fresh }],
  ["C4", "a handle is good for a while after its time", { isInTime: (until, now) => now < until + 200 }],
  ["C4", "a handle is good for ever", { isInTime: () => true }],
  ["C4", "a handle is refused a little before its time", { isInTime: (until, now) => now < until - 60 }],
  ["C4", "a handle is never looked at", { anyHandle: () => true }],

  [
    "C5",
    "an attempt is not counted",
    { countAfter: (count, sort) => (sort === "plain" ? Math.max(1, count) : count + 1) },
  ],
  ["C5", "each attempt counts twice", { countAfter: (count) => count + 2 }],
  ["C5", "a delivery given back keeps its count", { countGivenBack: (_before, delivered) => delivered }],
  [
    "C5",
    "a delivery is answered before it is on the disk",
    {
      answersAt: (now, syncedAt, verb) => (verb === "consume" ? now : syncedAt),
      isDurable: (syncedAt, now, verb) => syncedAt <= now && verb !== "consume",
    },
  ],
  ["C5", "FirstConsumeTime is that of this delivery", { firstTold: (_first, now) => now }],
  ["C5", "one retry too many", { mostDeliveries: (maxRetries) => 2 + maxRetries }],
  ["C5", "one retry too few", { mostDeliveries: (maxRetries) => maxRetries }],
  ["C5", "a dead letter is written twice", { deadLetters: () => 2 }],
  ["C5", "an acknowledged message becomes a dead letter", { deadLetterAcknowledged: (random) => random.percent(5) }],

  [
    "C6",
    "a message takes a place before the last",
    { placeFor: (length, random) => (random.percent(20) ? Math.max(0, length - 2) : length) },
  ],
  [
    "C6",
    "one group is given another order",
    { fresh: (messages, group) => (group === "GID_others" ? messages.toReversed() : messages) },
  ],
  ["C6", "a sharding key has no queue of its own", { queueFor: (queue, random) => (random.percent(30) ? 0 : queue) }],

  ["C7", "the gate lets one more through", { isOpen: (inFlight) => inFlight.length <= 1 }],
  [
    "C7",
    "the gate opens with the first acknowledgement",
    { isOpen: (inFlight) => inFlight.every((held, _, all) => all.length < held.batchSize) },
  ],
  ["C7", "there is no gate", { isOpen: () => true }],
  ["C7", "something newer joins what comes again", { joins: () => true }],
  ["C7", "something newer comes before what is due again", { againFirst: () => false }],
  ["C7", "what comes again comes backwards", { again: (held, max) => held.slice(0, max).reverse() }],
  ["C7", "a poll that takes fewer gets the last of them", { again: (held, max) => held.slice(-max) }],

  ["C8", "a half message is seen before its commit", { isSeenBeforeCommit: (random) => random.percent(10) }],
  ["C8", "a rollback delivers", { isDeliveredOnRollback: () => true }],

  ["C9", "a transaction can be ended again the other way", { canEndAgain: () => true }],
  ["C9", "an end is refused in time", { isEndRefused: (random) => random.percent(5) }],

  ["C10", "a check comes before the immunity has passed", { firstCheckAt: (at, immunity) => at + immunity - 100 }],
  ["C10", "the instant of a check is not rounded up", { firstCheckAt: (at, immunity) => at + immunity }],
  ["C10", "checks come twice as often", { checkAgainAt: (until, now) => Math.min(until, Math.max(now, until - 350)) }],
  ["C10", "checks never stop", { checksUntil: () => Number.POSITIVE_INFINITY }],

  ["C11", "a delayed message is 50 ms early", { dueAt: (dueAt) => dueAt - 50 }],
  ["C11", "a start delivers what is delayed", { delayedAfterStart: () => 0 }],

  ["C12", "a filter is ignored", { matches: () => true }],
  [
    "C12",
    "a filter looks at the beginning of a tag",
    { matches: (filter, tag) => filter === "*" || filter.split("||").some((one) => tag.startsWith(one)) },
  ],
  [
    "C12",
    "a filter lets through what has no tag",
    { matches: (filter, tag) => filter === "*" || tag === "" || filter.split("||").includes(tag) },
  ],

  ["C13", "the same handle is refused the second time", { mayRepeat: () => false }],
  ["C13", "a crash makes handles bad", { heldAfterStart: (held) => ({ ...held, handle: `${held.handle}!` }) }],

  ["C14", "a queue stands still after a start", { isStuckAfterStart: () => true }],
  ["C14", "a waiting poll is never woken", { wakes: () => false }],
  ["C14", "a waiting poll is not woken by time", { wakes: (because) => because !== "time" }],
  ["C14", "a poll does not wait", { waitsFor: () => 0 }],
  ["C14", "a poll waits two seconds too long", { waitsFor: (wait) => wait + 2_000 }],
  ["C14", "a start takes too long", { startTakes: (usual) => usual + 2_000 }],
];
