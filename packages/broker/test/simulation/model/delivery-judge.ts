import type { Message } from "../../../src/domain/message.ts";
import type { DurationMs, EpochMs } from "../../../src/domain/time.ts";
import type { Delivery, HandleOutcome } from "../../../src/engine/engine.ts";
import {
  acknowledged,
  type DeliveryState,
  delivered,
  givenBack,
  isDue,
  isInFlight,
  nextDelivery,
  PASSED_OVER,
} from "./delivery-states.ts";
import { isBefore, type ModelMessage, matches } from "./model-message.ts";
import type { ModelGroup, ModelWorld } from "./model-world.ts";
import { violated } from "./violation.ts";

export interface PollRequest {
  readonly topic: string;
  readonly group: string;
  readonly ordered: boolean;
  /** Empty for everything. */
  readonly tags: readonly string[];
  readonly max: number;
  readonly askedAt: EpochMs;
  readonly waitUpTo: DurationMs;
}

/** Polls and acknowledgements: each delivery was allowed, and nothing that was owed was kept back (DEL, TAG, ORD, DLQ). */
export class DeliveryJudge {
  readonly #world: ModelWorld;
  /** When a group last used a filter on a topic, since the last start (TAG-2). */
  readonly #filters = new Map<string, Map<string, EpochMs>>();
  readonly #waiting = new Map<PollRequest, { owedSince: EpochMs | undefined }>();

  constructor(world: ModelWorld) {
    this.#world = world;
  }

  get isSomebodyWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** A start forgets filters and those who wait. */
  restarted(): void {
    this.#filters.clear();
    this.#waiting.clear();
  }

  // --- polls

  waits(poll: PollRequest): void {
    this.#waiting.set(poll, { owedSince: undefined });
  }

  /** When the next wait ends. */
  nextEnd(): EpochMs {
    let next = Number.POSITIVE_INFINITY;
    for (const { askedAt, waitUpTo } of this.#waiting.keys()) {
      if (askedAt + waitUpTo > this.#now) next = Math.min(next, askedAt + waitUpTo);
    }
    return next;
  }

  /** DEL-7: time has passed; who waits and could be served must have been. */
  tick(): void {
    for (const [poll, waiting] of this.#waiting) {
      this.#look(poll);
      const owed = this.#owes(poll);
      waiting.owedSince = owed === undefined ? undefined : (waiting.owedSince ?? this.#now);
      if (waiting.owedSince !== undefined && this.#now - waiting.owedSince > 1_000) {
        violated("DEL-7", `a poll of ${poll.group} on ${poll.topic} waits beside ${owed?.name}`);
      }
    }
  }

  /** A poll was answered, with what was decided at `decidedFrom` or later. */
  received(poll: PollRequest, deliveries: readonly Delivery[], decidedFrom: EpochMs): void {
    const owedSince = poll.waitUpTo > 0 ? (this.#waiting.get(poll)?.owedSince ?? this.#now) : poll.askedAt;
    this.#waiting.delete(poll);
    this.#remember(poll);
    if (deliveries.length > poll.max) {
      violated("DEL-7", `${deliveries.length} deliveries where ${poll.max} were asked for`);
    }
    const batch = deliveries.map((delivery) => this.#find(poll, delivery));
    if (poll.ordered) this.#judgeOrder(poll, batch, deliveries);
    else this.#judgePlain(poll, batch, deliveries);
    for (const [index, message] of batch.entries()) {
      this.#deliver(poll, message, deliveries[index] as Delivery, decidedFrom);
    }
    if (deliveries.length === 0 && this.#now < poll.askedAt + poll.waitUpTo) {
      violated(
        "DEL-7",
        `a poll of ${poll.group} on ${poll.topic} ended ${poll.askedAt + poll.waitUpTo - this.#now} ms early`,
      );
    }
    const owed = deliveries.length === 0 ? this.#owes(poll) : undefined;
    // What comes at the very instant at which a wait ends may come too late for it.
    if (owed !== undefined && (poll.waitUpTo === 0 || owedSince < this.#now)) {
      violated("DEL-1", `${poll.group} found nothing on ${poll.topic} although ${owed.name} was there`);
    }
    this.#look(poll);
  }

  /** Its answer never came: whatever could have been in it may have been delivered. */
  receiveLost(poll: PollRequest): void {
    this.#waiting.delete(poll);
    this.#remember(poll);
    this.#look(poll);
    for (const message of this.#world.mayHave(poll.topic, poll.group)) {
      if (!poll.ordered && !matches(message, poll.tags)) continue;
      const states = this.#world.statesOf(message, poll.group);
      const more = states.flatMap((state) =>
        [this.#invisibleFor(poll), this.#world.settings.blockedInvisibleFor].flatMap(
          (hiddenFor) => nextDelivery(state, this.#now, hiddenFor, poll.ordered) ?? [],
        ),
      );
      if (more.length > 0) this.#world.setStates(message, poll.group, [...states, ...more]);
    }
  }

  #find(poll: PollRequest, { message: { body } }: Delivery): ModelMessage {
    const message = this.#world.find(poll.topic, body);
    if (message === undefined) violated("C2", `${body} was never sent to ${poll.topic}`);
    if (message.isAbsent) violated("PUB-6", `${message.name} was refused and delivered all the same`);
    return message;
  }

  #deliver(poll: PollRequest, message: ModelMessage, delivery: Delivery, decidedFrom: EpochMs): void {
    const { handle, attempt, visibleAgainAt: until, firstDeliveredAt: firstAt } = delivery;
    this.#checkContent(message, delivery);
    const states = this.#world.statesOf(message, poll.group);
    if (message.visible === "no") {
      violated(message.half === undefined ? "DLY-1" : "TX-1", `${message.name} was delivered while it was invisible`);
    }
    if (this.#world.isTooOld(message)) violated("RET-1", `${message.name} was delivered although it was too old`);
    this.#world.sizeLimit.checkOffered(message, this.#now);
    const isFirst = states.some(({ kind }) => kind === "ready") && attempt === 1;
    if ((isFirst || !poll.ordered) && !matches(message, poll.tags)) {
      violated("TAG-1", `${message.name} does not match ${poll.tags}`);
    }

    const { maxRetries, blocks } = this.#world.group(poll.group);
    const isBlocked = blocks && !poll.topic.startsWith("%DLQ%") && attempt > Math.min(...maxRetries);
    const hides = [this.#invisibleFor(poll), ...(isBlocked ? [this.#world.settings.blockedInvisibleFor] : [])];
    const instants = hides.map((hidden) => until - hidden).filter((at) => at >= decidedFrom && at <= this.#now);
    if (instants.length === 0) violated("DEL-3", `${message.name} comes again at ${until}, now is ${this.#now}`);
    if (this.#world.handles.has(handle)) violated("DEL-4", `a handle of ${message.name} came twice`);
    this.#world.handles.set(handle, { of: message, group: poll.group, until });

    const seen = { attempt, handle, until, firstAt, ordered: poll.ordered };
    const after: DeliveryState[] = [];
    for (const at of instants) {
      for (const state of states) {
        const next = delivered(state, { ...seen, at });
        if (next !== undefined) after.push(next);
      }
    }
    if (after.length === 0) {
      violated(
        "DEL-4",
        `attempt ${attempt} of ${message.name} to ${poll.group} cannot follow ${JSON.stringify(states)}`,
      );
    }
    this.#world.makeCertain(message);
    this.#world.setStates(message, poll.group, after);
  }

  #checkContent(of: ModelMessage, delivery: Delivery): void {
    const { messageId, publishedAt, name, origin } = of;
    if (!isSame(of.message, delivery.message)) violated("PUB-5", `${name} came back changed`);
    if (messageId !== undefined && messageId !== delivery.messageId) {
      violated("PUB-3", `${name} has another message id`);
    }
    // Where no answer told it.
    of.messageId = delivery.messageId;
    if (origin === undefined) {
      if (publishedAt !== delivery.publishedAt) violated("DEL-4", `${name} has another PublishTime`);
      return;
    }
    const { deadLetter } = delivery;
    const { from, group } = origin;
    const deaths = this.#world
      .statesOf(from, group)
      .flatMap((state) => (state.kind === "dead" ? [state.attempts] : []));
    if (deadLetter?.topic !== from.topic || !deaths.includes(deadLetter.attempts)) {
      violated("DLQ-1", `${from.name} died as ${JSON.stringify(deadLetter)}, not after ${deaths} attempts`);
    }
  }

  // --- order

  /** DEL-12, ORD-8: new ones in the order in which they became visible, none from a held queue. */
  #judgePlain(poll: PollRequest, batch: readonly ModelMessage[], deliveries: readonly Delivery[]): void {
    for (const queue of new Set(batch.map((message) => message.queue))) {
      const there = this.#world.mayHave(poll.topic, poll.group, queue);
      const isHeld = (state: DeliveryState): boolean =>
        state.kind === "delivered" && state.ordered && state.until > this.#now;
      const holder = there.find((other) => this.#world.surely(other, poll.group, isHeld));
      if (holder !== undefined) violated("ORD-8", `${batch[0]?.name} came from a queue held by ${holder.name}`);
      const fresh = there.filter((other) => this.#isNew(other, poll));
      for (const [index, message] of batch.entries()) {
        if (message.queue !== queue || deliveries[index]?.attempt !== 1) continue;
        const earlier = fresh.find((other) => isBefore(other, message) && !batch.slice(0, index).includes(other));
        if (earlier !== undefined) violated("DEL-12", `${message.name} came before ${earlier.name}`);
      }
    }
  }

  /** ORD-2 to ORD-4, for each message queue that gave something. */
  #judgeOrder(poll: PollRequest, batch: readonly ModelMessage[], deliveries: readonly Delivery[]): void {
    const changes = batch.filter((message, index) => message.queue !== batch[index - 1]?.queue);
    if (new Set(changes.map(({ queue }) => queue)).size < changes.length) {
      violated("ORD-4", `the messages of one queue of ${poll.topic} do not stand together`);
    }
    for (const { queue } of changes) {
      const given = batch.filter((message) => message.queue === queue);
      const isNewer = new Set(given.filter((message) => deliveries[batch.indexOf(message)]?.attempt === 1));
      const isFlying = (state: DeliveryState): boolean => isInFlight(state, this.#now);
      const isDueNow = (state: DeliveryState): boolean => isDue(state, this.#now);
      for (const other of this.#world.mayHave(poll.topic, poll.group, queue)) {
        if (this.#world.surely(other, poll.group, isFlying)) {
          violated("ORD-2", `${given[0]?.name} came to ${poll.group} through a gate that ${other.name} holds`);
        }
        if (given.includes(other)) continue;
        const isDueHere = this.#world.surely(other, poll.group, isDueNow);
        const isNewHere = this.#isNew(other, poll);
        for (const message of given) {
          if (isDueHere && isNewer.has(message)) violated("ORD-3", `${message.name} came while ${other.name} was due`);
          const isPassed = isBefore(other, message) && (isDueHere || (isNewHere && isNewer.has(message)));
          if (isPassed) violated("ORD-3", `${message.name} came before ${other.name}`);
        }
      }
      for (const [index, message] of given.entries()) {
        const before = given[index - 1];
        if (before !== undefined && isBefore(message, before)) {
          violated("ORD-1", `${message.name} stood behind ${before.name}`);
        }
      }
    }
  }

  // --- what a poll would have to be given

  #owes(poll: PollRequest): ModelMessage | undefined {
    if (this.#world.mayStarve || this.#world.group(poll.group).from === "undeclared") return undefined;
    const isDueNow = (state: DeliveryState): boolean => isDue(state, this.#now);
    const closed = new Map<number, boolean>();
    for (const message of this.#world.mayHave(poll.topic, poll.group)) {
      const isDueHere =
        (poll.ordered || matches(message, poll.tags)) && this.#world.surely(message, poll.group, isDueNow);
      if (!isDueHere && !this.#isNew(message, poll)) continue;
      const isClosed = closed.get(message.queue) ?? this.#mayBeClosed(poll, message.queue);
      closed.set(message.queue, isClosed);
      if (!isClosed) return message;
    }
    return undefined;
  }

  #mayBeClosed({ topic, group, ordered }: PollRequest, queue: number): boolean {
    return this.#world
      .mayHave(topic, group, queue)
      .some((message) =>
        this.#world
          .statesOf(message, group)
          .some((state) => isInFlight(state, this.#now) && (ordered || ("ordered" in state && state.ordered))),
      );
  }

  #isNew(message: ModelMessage, { group, tags }: PollRequest): boolean {
    return matches(message, tags) && this.#world.surely(message, group, isReady);
  }

  #invisibleFor({ ordered }: PollRequest): DurationMs {
    return ordered ? this.#world.settings.orderedInvisibleFor : this.#world.settings.invisibleFor;
  }

  // --- filters

  /** TAG-2: what this poll may have passed over for good. */
  #look(poll: PollRequest): void {
    if (poll.tags.length === 0) return;
    const others = [...(this.#filters.get(`${poll.topic} ${poll.group}`) ?? [])].filter(
      ([filter, usedAt]) => filter !== poll.tags.join("||") && this.#now - usedAt < this.#world.settings.filterMemory,
    );
    for (const message of this.#world.mayHave(poll.topic, poll.group)) {
      if (matches(message, poll.tags)) continue;
      const isWanted = others.some(([filter]) => matches(message, filter === "" ? [] : filter.split("||")));
      if (isWanted && !poll.ordered) continue;
      const states = this.#world.statesOf(message, poll.group);
      const mayPass = states.some(({ kind }) => kind === "ready") && !states.includes(PASSED_OVER);
      if (mayPass) this.#world.setStates(message, poll.group, [...states, PASSED_OVER]);
    }
  }

  #remember(poll: PollRequest): void {
    const key = `${poll.topic} ${poll.group}`;
    const filters = this.#filters.get(key) ?? new Map<string, EpochMs>();
    this.#filters.set(key, filters.set(poll.tags.join("||"), poll.askedAt));
  }

  // --- what ends a delivery

  acknowledged(topic: string, group: string, outcomes: readonly HandleOutcome[]): void {
    for (const { handle, refusal } of outcomes) {
      const known = this.#world.handles.get(handle);
      if (known?.group !== group || known.of.topic !== topic) {
        if (refusal !== "invalid") violated("DEL-5", `a handle of elsewhere was taken: ${refusal}`);
        continue;
      }
      const answer = refusal ?? "done";
      const { of, until } = known;
      // GRP-1: its topic may have been forgotten and made again.
      const isOfAnother = of.origin !== undefined && until <= this.#now && this.#world.mayBeGone(of);
      if (answer === "invalid" && isOfAnother) continue;
      const states = this.#world.statesOf(of, group);
      const worlds = states.map((state) => acknowledged(state, { handle, until }, this.#now));
      // RET-1: what was dropped counts as acknowledged.
      const isDropped = this.#world.mayBeGone(of) && until > this.#now && answer === "done";
      const left = worlds.filter(({ answers }) => isDropped || answers.some((allowed) => allowed === answer));
      if (left.length === 0) {
        violated("DEL-5", `${answer} for ${of.name} of ${group}: ${JSON.stringify(states)} at ${this.#now}`);
      }
      this.#world.setStates(
        of,
        group,
        left.map(({ state }) => state),
      );
    }
  }

  acknowledgeLost(group: string, handles: readonly string[]): void {
    for (const handle of handles) {
      const known = this.#world.handles.get(handle);
      if (known?.group !== group) continue;
      const { of, until } = known;
      const states = this.#world.statesOf(of, group);
      const more = states.map((state) => acknowledged(state, { handle, until }, this.#now).state);
      this.#world.setStates(of, group, [...states, ...more]);
    }
  }

  /** DEL-8, for a handle of a delivery. */
  gaveBack(handle: string, of: ModelMessage, group: string, isConfirmed: boolean): void {
    const states = this.#world.statesOf(of, group);
    const after = states.map((state) => givenBack(state, handle, this.#world.settings.giveBacksBeforeDelivery));
    this.#world.setStates(of, group, isConfirmed ? after : [...states, ...after]);
    // DEL-9: it may be due again at once, with no retry left.
    this.age(of);
  }

  // --- time

  /** DEL-9, ORD-6: without retries left it is dead when its time is up. */
  age(message: ModelMessage): void {
    if (message.origin !== undefined) return;
    for (const [name, states] of message.states) {
      const group = this.#world.group(name);
      if (group.blocks || !states.some((state) => isDue(state, this.#now))) continue;
      const after = states.flatMap((state) => this.#exhaust(state, group));
      if (after.some((state, index) => state !== states[index])) this.#world.setStates(message, name, after);
    }
  }

  #exhaust(state: DeliveryState, { maxRetries }: ModelGroup): readonly DeliveryState[] {
    if (state.kind !== "delivered" || state.until > this.#now) return [state];
    const worlds = new Set(maxRetries.map((max) => state.attempt > max));
    return [...worlds].map((isDead) => (isDead ? { kind: "dead", attempts: state.attempt, after: state } : state));
  }

  /** Where the clock begins earlier than it ended, what died at the end may be written down or be due once more. */
  rejuvenate(message: ModelMessage): void {
    for (const [group, states] of message.states) {
      if (!states.some((state) => state.kind === "dead" && state.after.until > this.#now)) continue;
      const worlds = states.flatMap((state): readonly DeliveryState[] =>
        state.kind === "dead" ? [state, state.after] : [state],
      );
      this.#world.setStates(message, group, worlds);
      const dead = this.#world.find(`%DLQ%${group}`, message.message.body);
      if (dead !== undefined) dead.isCertain = false;
    }
  }

  get #now(): EpochMs {
    return this.#world.now;
  }
}

function isReady({ kind }: DeliveryState): boolean {
  return kind === "ready";
}

function isSame(sent: Message, came: Message): boolean {
  return (
    sent.body === came.body &&
    sent.tag === came.tag &&
    sent.key === came.key &&
    JSON.stringify(sent.properties) === JSON.stringify(came.properties) &&
    Object.keys(came).every((name) => name in sent)
  );
}
