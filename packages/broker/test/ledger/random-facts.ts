import type { GroupSettings } from "../../src/domain/consumer-group.ts";
import type { Message } from "../../src/domain/message.ts";
import type { Fact, Id, Offset, Position } from "../../src/embedded/journal/fact.ts";
import type { HalfMessage } from "../../src/embedded/state/half-messages.ts";
import type { Ledger, TopicState } from "../../src/embedded/state/ledger.ts";
import type { Outstanding, Subscription } from "../../src/embedded/state/subscription.ts";
import type { SeededRandom } from "../../src/testing/seeded-random.ts";

/** Facts that could follow in this ledger: never impossible, seldom sensible. The likely ones stand often. */
export class RandomFacts {
  readonly #random: SeededRandom;
  readonly #ledger: Ledger;
  #now = 1_000_000;
  #position: Position = 0;

  constructor(random: SeededRandom, ledger: Ledger) {
    this.#random = random;
    this.#ledger = ledger;
  }

  /** The same in another ledger that holds the same. */
  goOnWith(ledger: Ledger): RandomFacts {
    const facts = new RandomFacts(this.#random, ledger);
    facts.#now = this.#now;
    facts.#position = this.#position;
    return facts;
  }

  /** Draws the next fact, and where it stands. */
  next(): { readonly fact: Fact; readonly position: Position } {
    this.#now += this.#random.below(500);
    this.#position += 30 + this.#random.below(300);
    for (;;) {
      const fact = this.#pick(this.#makers)?.();
      if (fact !== undefined) return { fact, position: this.#position };
    }
  }

  readonly #makers: readonly (() => Fact | undefined)[] = [
    ...times(1, () => this.#topicCreated()),
    ...times(1, () => this.#topicChanged()),
    ...times(1, () => this.#groupCreated()),
    ...times(2, () => this.#groupChanged()),
    ...times(3, () => this.#subscriptionStarted()),
    ...times(25, () => this.#messageStored()),
    ...times(8, () => this.#delayedStored()),
    ...times(6, () => this.#delayedReleased()),
    ...times(6, () => this.#halfStored()),
    ...times(6, () => this.#halfOffered()),
    ...times(2, () => this.#halfGivenBack()),
    ...times(5, () => this.#transactionEnded()),
    ...times(1, () => this.#abandoned()),
    ...times(1, () => this.#halfDropped()),
    ...times(15, () => this.#delivered()),
    ...times(6, () => this.#deliveredAgain()),
    ...times(8, () => this.#ended("deliveries-acknowledged")),
    ...times(4, () => this.#ended("deliveries-given-back")),
    ...times(3, () => this.#passedOver()),
    ...times(3, () => this.#deadLettered()),
    ...times(2, () => this.#messagesDropped()),
    ...times(6, () => this.#copiedForward()),
    ...times(1, () => this.#topicForgotten()),
    ...times(1, () => this.#groupForgotten()),
    ...times(1, () => this.#wallClockStepped()),
  ];

  /** Back or forward. */
  #wallClockStepped(): Fact {
    const to = this.#now + 1_000 - this.#random.below(20_000);
    return { kind: "wall-clock-stepped", from: this.#now, to, at: this.#now };
  }

  #topicCreated(): Fact | undefined {
    if ([...this.#ledger.topics()].length >= 8) return undefined;
    const id = this.#ledger.nextId;
    const ref = { instance: "i", topic: this.#random.below(3) === 0 ? `%DLQ%GID_${id}` : `t${id}` };
    const kind = this.#pick(["normal", "ordered", "transactional", undefined] as const);
    const made = { kind: "topic-created", topic: id, ref, origin: this.#origin(), at: this.#now } as const;
    return kind === undefined
      ? { ...made, queues: 0 }
      : { ...made, topicKind: kind, queues: 1 + this.#random.below(3) };
  }

  #topicChanged(): Fact | undefined {
    const topic = this.#topic(({ queues }) => queues.every(({ end }) => end === 0));
    if (topic === undefined) return undefined;
    const queues = 1 + this.#random.below(4);
    return {
      kind: "topic-changed",
      topic: topic.id,
      topicKind: "normal",
      queues,
      origin: this.#origin(),
      at: this.#now,
    };
  }

  #groupCreated(): Fact | undefined {
    if ([...this.#ledger.groups()].length >= 6) return undefined;
    const group = this.#ledger.nextId;
    const ref = { instance: "i", group: `GID_${group}` };
    return { kind: "group-created", group, ref, settings: this.#settings(), origin: this.#origin(), at: this.#now };
  }

  #groupChanged(): Fact | undefined {
    const group = this.#pick([...this.#ledger.groups()]);
    if (group === undefined) return undefined;
    return {
      kind: "group-changed",
      group: group.id,
      settings: this.#settings(),
      origin: this.#origin(),
      at: this.#now,
    };
  }

  #subscriptionStarted(): Fact | undefined {
    const group = this.#pick([...this.#ledger.groups()]);
    const topic = this.#topic(({ subscriptions }) => group !== undefined && !subscriptions.has(group.id));
    if (group === undefined || topic === undefined) return undefined;
    const starts = topic.queues.map(({ head, end }) => this.#pick([head, end]));
    return { kind: "subscription-started", topic: topic.id, group: group.id, starts, at: this.#now };
  }

  #messageStored(): Fact | undefined {
    const queue = this.#queue();
    if (queue === undefined) return undefined;
    const { topic, index, end: offset } = queue;
    return {
      kind: "message-stored",
      topic: topic.id,
      queue: index,
      offset,
      ...this.#content(),
      publishedAt: this.#now,
    };
  }

  #delayedStored(): Fact | undefined {
    const topic = this.#topic(hasQueues);
    if (topic === undefined) return undefined;
    const id = this.#ledger.nextId;
    const deliverAt = this.#now + this.#random.below(5_000);
    const place = { kind: "delayed-message-stored", id, topic: topic.id } as const;
    return { ...place, ...this.#content(), publishedAt: this.#now, deliverAt };
  }

  #delayedReleased(): Fact | undefined {
    const delayed = this.#pick([...this.#ledger.delayed.all()]);
    const queue = this.#ledger.topicById(delayed?.topic ?? 0)?.queues[0];
    if (delayed === undefined || queue === undefined) return undefined;
    const { id, topic } = delayed;
    return { kind: "delayed-message-released", id, topic, queue: 0, offset: queue.end, at: this.#now };
  }

  #halfStored(): Fact | undefined {
    const topic = this.#topic(hasQueues);
    if (topic === undefined) return undefined;
    const stored = { kind: "half-message-stored", id: this.#ledger.nextId, topic: topic.id, number: 7 } as const;
    const times = { publishedAt: this.#now, at: this.#now, firstCheckAt: this.#now + 1_000 };
    const waits = this.#random.below(2) === 0 ? {} : { deliverAt: this.#now + 4_000 };
    return { ...stored, ...this.#content(), ...times, ...waits };
  }

  #halfOffered(): Fact | undefined {
    const half = this.#half(isOpen);
    if (half === undefined) return undefined;
    const { id, topic, checks } = half;
    const number = this.#random.below(2 ** 32);
    const [at, until] = [this.#now, this.#now + 1_000];
    return { kind: "half-message-offered", id, topic, check: checks + 1, number, at, until };
  }

  #halfGivenBack(): Fact | undefined {
    const half = this.#half(({ state }) => state === "offered");
    if (half === undefined) return undefined;
    return { kind: "half-offer-given-back", id: half.id, topic: half.topic, why: this.#why() };
  }

  #transactionEnded(): Fact | undefined {
    const half = this.#half(isOpen);
    const end = this.#ledger.topicById(half?.topic ?? 0)?.queues[0]?.end;
    if (half === undefined || end === undefined) return undefined;
    const fact = { kind: "transaction-ended", id: half.id, topic: half.topic, at: this.#now, wall: this.#now } as const;
    if (this.#random.below(3) === 0) return { ...fact, resolution: "rollback" };
    const place = half.deliverAt === undefined ? { queue: 0, offset: end } : {};
    return { ...fact, resolution: "commit", ...place };
  }

  #abandoned(): Fact | undefined {
    const half = this.#half(isOpen);
    if (half === undefined) return undefined;
    return { kind: "transaction-abandoned", id: half.id, topic: half.topic, at: this.#now, wall: this.#now };
  }

  #halfDropped(): Fact | undefined {
    const half = this.#half(({ state }) => state === "abandoned");
    if (half === undefined) return undefined;
    return { kind: "half-message-dropped", id: half.id, topic: half.topic, at: this.#now };
  }

  #delivered(): Fact | undefined {
    const place = this.#place();
    if (place === undefined) return undefined;
    const { ready } = place.subscription.queue(place.queue);
    const offsets = [...ready.between(place.head, place.end)].slice(0, 1 + this.#random.below(4));
    return this.#deliver(place, offsets, () => 1);
  }

  #deliveredAgain(): Fact | undefined {
    const place = this.#place();
    if (place === undefined) return undefined;
    const { outstanding } = place.subscription.queue(place.queue);
    const again = [...outstanding.values()].filter(({ attempt }) => attempt > 0).slice(this.#random.below(4), 4);
    return this.#deliver(
      place,
      again.map(({ offset }) => offset),
      (offset) => (outstanding.get(offset)?.attempt ?? 0) + 1,
    );
  }

  #deliver(place: Place, offsets: readonly Offset[], attemptOf: (offset: Offset) => number): Fact | undefined {
    if (offsets.length === 0) return undefined;
    const deliveries = offsets.map((offset) => ({
      offset,
      attempt: attemptOf(offset),
      number: this.#random.below(2 ** 32),
    }));
    const ordered = this.#random.below(2) === 0;
    const [at, until] = [this.#now, this.#now + 200 + this.#random.below(2_000)];
    return { kind: "messages-delivered", ...namesOf(place), ordered, deliveries, at, until };
  }

  #ended(kind: "deliveries-acknowledged" | "deliveries-given-back"): Fact | undefined {
    const place = this.#place();
    const outstanding = this.#someOutstanding(place);
    if (place === undefined || outstanding.length === 0) return undefined;
    const offsets = outstanding.slice(0, 1 + this.#random.below(3)).map(({ offset }) => offset);
    if (kind === "deliveries-given-back") return { kind, ...namesOf(place), offsets, why: this.#why() };
    return { kind, ...namesOf(place), offsets, at: this.#now };
  }

  #passedOver(): Fact | undefined {
    const place = this.#place();
    if (place === undefined || place.end === place.head) return undefined;
    const from = place.head + this.#random.below(place.end - place.head);
    const { ready } = place.subscription.queue(place.queue);
    let to = from;
    while (ready.has(to) && to < place.end && to < from + 3) to++;
    if (to === from) return undefined;
    return { kind: "messages-passed-over", ...namesOf(place), ranges: [[from, to]] };
  }

  #deadLettered(): Fact | undefined {
    const place = this.#place();
    const [outstanding] = this.#someOutstanding(place);
    const target = this.#topic((topic) => topic.isDeadLetterTopic && topic.queues.length > 0);
    if (place === undefined || outstanding === undefined || target === undefined) return undefined;
    if (outstanding.attempt === 0 || target.id === place.subscription.topic) return undefined;
    return {
      kind: "message-dead-lettered",
      ...namesOf(place),
      offset: outstanding.offset,
      attempts: outstanding.attempt,
      reason: "retries-used-up",
      deadLetterTopic: target.id,
      deadLetterOffset: target.queues[0]?.end ?? 0,
      storedAt:
        this.#ledger.topicById(place.subscription.topic)?.queues[place.queue]?.positionOf(outstanding.offset) ?? 0,
      at: this.#now,
      wall: this.#now,
    };
  }

  #messagesDropped(): Fact | undefined {
    const queue = this.#queue();
    if (queue === undefined || queue.head === queue.end) return undefined;
    const { topic, index, head, end } = queue;
    const upTo = head + 1 + this.#random.below(Math.min(end - head, 20));
    const missed = [...topic.subscriptions.keys()]
      .slice(0, 1)
      .map((group) => ({ group, unread: 1, unacknowledged: 2 }));
    const reason = this.#pick(["age", "size"] as const);
    const span = { topic: topic.id, queue: index, from: head, upTo };
    return { kind: "messages-dropped", ...span, reason, missed, at: this.#now };
  }

  #copiedForward(): Fact | undefined {
    const content = { kind: "message-copied-forward", ...this.#content(), publishedAt: this.#now } as const;
    const where = this.#random.below(3);
    if (where === 0) {
      const delayed = this.#pick([...this.#ledger.delayed.all()]);
      return delayed && { ...content, topic: delayed.topic, delayed: delayed.id };
    }
    if (where === 1) {
      const half = this.#half((one) => isOpen(one) || one.state === "abandoned");
      return half && { ...content, topic: half.topic, half: half.id };
    }
    const queue = this.#queue();
    if (queue === undefined || queue.head === queue.end) return undefined;
    const offset = queue.head + this.#random.below(queue.end - queue.head);
    return { ...content, topic: queue.topic.id, queue: queue.index, offset };
  }

  #topicForgotten(): Fact | undefined {
    const topic = this.#topic(({ queues, half, id, subscriptions }) => {
      const isEmpty = queues.every(({ count }) => count === 0) && half.isOver(this.#now);
      const isIdle = [...subscriptions.values()].every(({ outstandingCount }) => outstandingCount === 0);
      return isEmpty && isIdle && this.#ledger.delayed.countOf(id) === 0;
    });
    return topic && { kind: "topic-forgotten", topic: topic.id, ref: topic.ref, at: this.#now };
  }

  #groupForgotten(): Fact | undefined {
    const group = this.#pick([...this.#ledger.groups()]);
    if (group === undefined) return undefined;
    const subscriptions = [...this.#ledger.topics()].map((topic) => topic.subscriptions.get(group.id));
    if (subscriptions.some((one) => one !== undefined && one.outstandingCount > 0)) return undefined;
    return { kind: "group-forgotten", group: group.id, ref: group.ref, at: this.#now };
  }

  #settings(): GroupSettings {
    const choices: [GroupSettings, ...GroupSettings[]] = [{}, { from: "latest" }, { onExhausted: "block" }];
    return this.#pick([...choices, { maxRetries: this.#random.below(4) }]);
  }

  #origin(): "declared" | "use" {
    return this.#pick(["declared", "use"]);
  }

  #why(): "hung-up" | "no-room" {
    return this.#pick(["hung-up", "no-room"]);
  }

  #content(): { readonly messageId: string; readonly message: Message } {
    const messageId = this.#random
      .below(2 ** 32)
      .toString(16)
      .toUpperCase()
      .padStart(32, "0");
    const tag = this.#pick(["", "a", "b"]);
    return { messageId, message: { body: "x".repeat(this.#random.below(30)), tag, key: "k", properties: [] } };
  }

  #topic(suits: (topic: TopicState) => boolean): TopicState | undefined {
    return this.#pick([...this.#ledger.topics()].filter(suits));
  }

  #half(suits: (half: HalfMessage) => boolean): HalfMessage | undefined {
    return this.#pick([...this.#ledger.topics()].flatMap(({ half }) => [...half.all()]).filter(suits));
  }

  #queue() {
    const topic = this.#topic(hasQueues);
    if (topic === undefined) return undefined;
    const index = this.#random.below(topic.queues.length);
    return { topic, index, head: topic.queues[index]?.head ?? 0, end: topic.queues[index]?.end ?? 0 };
  }

  #place(): Place | undefined {
    const queue = this.#queue();
    const subscription = this.#pick([...(queue?.topic.subscriptions.values() ?? [])]);
    return queue && subscription && { subscription, queue: queue.index, head: queue.head, end: queue.end };
  }

  #someOutstanding(place: Place | undefined): Outstanding[] {
    if (place === undefined) return [];
    const all = [...place.subscription.queue(place.queue).outstanding.values()];
    return all.slice(this.#random.below(Math.max(1, all.length)));
  }

  #pick<Item>(items: readonly [Item, ...Item[]]): Item;
  #pick<Item>(items: readonly Item[]): Item | undefined;
  #pick<Item>(items: readonly Item[]): Item | undefined {
    return items.length === 0 ? undefined : items[this.#random.below(items.length)];
  }
}

interface Place {
  readonly subscription: Subscription;
  readonly queue: number;
  readonly head: Offset;
  readonly end: Offset;
}

function namesOf({ subscription: { topic, group }, queue }: Place): { topic: Id; group: Id; queue: number } {
  return { topic, group, queue };
}

function hasQueues({ queues }: TopicState): boolean {
  return queues.length > 0;
}

function isOpen({ state }: HalfMessage): boolean {
  return state === "prepared" || state === "offered";
}

function times<Item>(count: number, item: Item): Item[] {
  return Array<Item>(count).fill(item);
}
