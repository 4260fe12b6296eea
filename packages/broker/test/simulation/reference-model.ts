import type { DeadLetterOrigin, Message, PublishIntent } from "../../src/domain/message.ts";
import type { DurationMs, EpochMs } from "../../src/domain/time.ts";
import type { Delivery, HandleOutcome, PublishReceipt } from "../../src/engine/engine.ts";
import {
  acknowledged,
  type DeliveryState,
  delivered,
  givenBack,
  isDue,
  isInFlight,
  isOver,
  nextDelivery,
  PASSED_OVER,
  READY,
} from "./delivery-states.ts";
import { aged, canBeOffered, ended, type HalfState, offered, offerGivenBack } from "./half-states.ts";
import { violated } from "./violation.ts";

/** The settings of which the model knows; the times are those of `rules.md`, shortened. */
export interface ModelSettings {
  readonly invisibleFor: DurationMs;
  readonly orderedInvisibleFor: DurationMs;
  readonly halfInvisibleFor: DurationMs;
  readonly blockedInvisibleFor: DurationMs;
  readonly giveBacksBeforeDelivery: number;
  readonly filterMemory: DurationMs;
  readonly checkFor: DurationMs;
  readonly checkRounding: DurationMs;
}

export interface ModelGroup {
  readonly name: string;
  /** More than one where a change was not confirmed. */
  maxRetries: readonly number[];
  readonly blocks: boolean;
  /** Where it starts at what is visible from its declaration on: whether that has happened. */
  from: "earliest" | "latest" | "undeclared";
  /** A declaration was under way at a crash: it may have counted. */
  mayBeDeclared?: boolean;
}

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

interface Time {
  readonly now: EpochMs;
  readonly wall: EpochMs;
}

/** Where it stands in its queue; undefined where a crash has left that open. */
interface Place {
  readonly step: number;
  readonly deliverAt: EpochMs;
}

/** What one message is known to be, and where it may stand. Several states are several worlds: an unconfirmed verb leaves both. */
export class ModelMessage {
  readonly topic: string;
  readonly queue: number;
  readonly message: Message;
  readonly publishedAt: EpochMs;
  messageId: string | undefined;
  isCertain = false;
  /** Refused: nothing was stored. */
  isAbsent = false;
  visible: "no" | "maybe" | "yes" = "no";
  place: Place | undefined;
  deliverAt: EpochMs | undefined;
  /** DLY-1: by then it must be there, where a step of the wall clock made it due. */
  lateUntil: EpochMs = 0;
  half: readonly HalfState[] | undefined;
  /** The group that gave it up, on a dead-letter topic. */
  origin: { readonly from: ModelMessage; readonly group: string } | undefined;
  readonly states = new Map<string, readonly DeliveryState[]>();

  constructor(topic: string, queue: number, message: Message, publishedAt: EpochMs) {
    this.topic = topic;
    this.queue = queue;
    this.message = message;
    this.publishedAt = publishedAt;
  }

  get name(): string {
    return `${this.topic}/${this.message.body}`;
  }
}

/**
 * What clients may see, written from the rules alone: plain, slow, and without a line of the engine. Each answer is judged when it
 * comes; what was under way at a crash may have happened or not, and everything else is held to the letter.
 */
export class ReferenceModel {
  settings: ModelSettings;
  readonly #queues: ReadonlyMap<string, number>;
  readonly #groups = new Map<string, ModelGroup>();
  readonly #byTopic = new Map<string, ModelMessage[]>();
  readonly #byBody = new Map<string, ModelMessage>();
  readonly #messageIds = new Set<string>();
  readonly #handles = new Map<
    string,
    { readonly of: ModelMessage; readonly group?: string; readonly until: EpochMs }
  >();
  /** When a group last used a filter on a topic, since the last start (TAG-2). */
  readonly #filters = new Map<string, Map<string, EpochMs>>();
  readonly #waiting = new Map<PollRequest, { owedSince: EpochMs | undefined }>();
  /** Those that time may change. */
  readonly #restless = new Set<ModelMessage>();
  #step = 0;
  #now: EpochMs = 0;
  #wall: EpochMs = 0;

  constructor(settings: ModelSettings, topics: ReadonlyMap<string, number>, groups: readonly ModelGroup[]) {
    this.settings = settings;
    this.#queues = topics;
    for (const group of groups) this.#groups.set(group.name, group);
  }

  group(name: string): ModelGroup {
    return this.#groups.get(name) ?? violated("model", `no group ${name}`);
  }

  // --- time

  /** Time has passed: what is due is visible, exhausted or abandoned, and whoever waits must have been served. */
  tick({ now, wall }: Time): void {
    if (now < this.#now) violated("TIM-1", `now() went back by ${this.#now - now} ms`);
    const wasStepped = wall - this.#wall > now - this.#now;
    this.#now = now;
    this.#wall = wall;
    this.#step += 1;
    for (const message of [...this.#restless]) {
      const { deliverAt } = message;
      if (wasStepped && deliverAt !== undefined && wall >= deliverAt) message.lateUntil ||= now + 1_000;
      this.#age(message);
    }
    for (const [poll, waiting] of this.#waiting) {
      this.#look(poll);
      if (!this.#owes(poll)) waiting.owedSince = undefined;
      waiting.owedSince ??= this.#owes(poll) ? now : undefined;
      if (waiting.owedSince !== undefined && now - waiting.owedSince > 1_000) {
        violated("DEL-7", `a poll of ${poll.group} on ${poll.topic} waits beside ${this.#owes(poll)?.name}`);
      }
    }
  }

  /** A new uptime. Its clock begins at the later of the wall clock and the newest instant in the journal (TIM-1). */
  restarted({ now, wall }: Time, settings: ModelSettings): void {
    this.#filters.clear();
    this.#waiting.clear();
    this.settings = settings;
    this.#now = now;
    this.#wall = wall;
    for (const messages of this.#byTopic.values()) for (const message of [...messages]) this.#rejuvenate(message);
    this.tick({ now, wall });
  }

  /** Where the clock begins earlier than it ended, what came due at the end may be written down or be due once more. */
  #rejuvenate(message: ModelMessage): void {
    if (message.deliverAt !== undefined && message.deliverAt > this.#wall && message.visible === "yes") {
      message.visible = "maybe";
      message.place = undefined;
    }
    this.#restless.add(message);
    message.half = message.half?.flatMap((state): readonly HalfState[] =>
      state.kind === "abandoned" && aged(state.after, this.#now, this.settings.checkFor) === state.after
        ? [state, state.after]
        : [state],
    );
    for (const [group, states] of message.states) {
      const mayLive = states.some((state) => state.kind === "dead" && state.after.until > this.#now);
      if (!mayLive) continue;
      const worlds = states.flatMap((state): readonly DeliveryState[] =>
        state.kind === "dead" ? [state, state.after] : [state],
      );
      this.#set(message, group, worlds);
      const dead = (this.#byTopic.get(`%DLQ%${group}`) ?? []).find(({ origin }) => origin?.from === message);
      if (dead !== undefined) dead.isCertain = false;
    }
  }

  /** The instants after now at which something may be answered. */
  nextInstant(): EpochMs {
    let next = Number.POSITIVE_INFINITY;
    const consider = (at: EpochMs): void => {
      if (at > this.#now && at < next) next = at;
    };
    for (const { askedAt, waitUpTo } of this.#waiting.keys()) consider(askedAt + waitUpTo);
    for (const { deliverAt, visible, half, states } of this.#restless) {
      if (deliverAt !== undefined && visible !== "yes") consider(this.#now + deliverAt - this.#wall);
      for (const state of half ?? []) if (state.kind === "open") consider(state.until);
      for (const of of states.values()) for (const state of of) if (state.kind === "delivered") consider(state.until);
    }
    return next;
  }

  #age(message: ModelMessage): void {
    this.#restless.delete(message);
    if (message.isAbsent) return;
    if (message.half !== undefined) {
      message.half = message.half.map((state) => aged(state, this.#now, this.settings.checkFor));
    }
    if (message.visible !== "yes") this.#reveal(message, { step: this.#step, deliverAt: message.deliverAt ?? 0 });
    for (const [name, states] of message.states) {
      if (!states.some(({ kind }) => kind === "delivered")) continue;
      this.#restless.add(message);
      if (message.origin !== undefined || !this.#mayExhaust(states, this.group(name))) continue;
      this.#set(
        message,
        name,
        states.flatMap((state) => this.#exhaust(state, this.group(name))),
      );
    }
    const mayCome = message.half?.some(({ kind }) => kind === "open" || kind === "committed") ?? true;
    if ((message.visible !== "yes" && mayCome) || message.half?.some(({ kind }) => kind === "open")) {
      this.#restless.add(message);
    }
  }

  /** DLY-1, TX-2: whether it is visible now, and from which place on. */
  #reveal(message: ModelMessage, place: Place): void {
    if (message.deliverAt !== undefined && this.#wall < message.deliverAt) return;
    const committed = (message.half ?? []).filter(({ kind }) => kind === "committed").length;
    const all = message.half?.length ?? 0;
    const isSure = committed === all && message.lateUntil <= this.#now;
    const visible = isSure ? "yes" : committed > 0 || committed === all ? "maybe" : "no";
    if (message.visible === "no" && visible === "yes") message.place = place;
    message.visible = visible;
  }

  #mayExhaust(states: readonly DeliveryState[], { maxRetries, blocks }: ModelGroup): boolean {
    if (blocks) return false;
    const least = Math.min(...maxRetries);
    return states.some((state) => isDue(state, this.#now) && "attempt" in state && state.attempt > least);
  }

  /** DEL-9, ORD-6: without retries left it is dead when its time is up. */
  #exhaust(state: DeliveryState, { maxRetries, blocks }: ModelGroup): readonly DeliveryState[] {
    if (blocks || state.kind !== "delivered" || state.until > this.#now) return [state];
    const worlds = new Set(maxRetries.map((max) => state.attempt > max));
    return [...worlds].map((isDead) => (isDead ? { kind: "dead", attempts: state.attempt, after: state } : state));
  }

  // --- publishing

  /** A message that is on its way; what becomes of it is said by one of the next three. */
  publishing(topic: string, message: Message, intent: PublishIntent): ModelMessage {
    const queues = this.#queues.get(topic) ?? 1;
    const key = "shardingKey" in intent ? (intent.shardingKey ?? "") : "";
    const made = new ModelMessage(topic, queues === 1 ? 0 : shard(key, queues), message, this.#wall);
    if ("deliverAt" in intent) made.deliverAt = intent.deliverAt;
    if (intent.kind === "transactional") {
      const { checkRounding } = this.settings;
      const until = Math.ceil((this.#now + intent.firstCheckAfter) / checkRounding) * checkRounding;
      const open = { kind: "open", checks: 0, handle: undefined, until, firstCheckedAt: undefined } as const;
      made.half = [{ ...open, giveBacks: 0, before: undefined }];
    }
    this.#add(made);
    return made;
  }

  published(made: ModelMessage, receipt: PublishReceipt): void {
    if (this.#messageIds.has(receipt.messageId)) violated("PUB-3", `the message id ${receipt.messageId} came twice`);
    this.#messageIds.add(receipt.messageId);
    made.messageId = receipt.messageId;
    made.isCertain = true;
    this.#step += 1;
    const { transactionHandle } = receipt;
    if (made.half !== undefined) {
      const [state] = made.half;
      if (transactionHandle === undefined || state?.kind !== "open") violated("TX-1", `no handle for ${made.name}`);
      made.half = [{ ...state, handle: transactionHandle }];
      this.#handles.set(transactionHandle, { of: made, until: state.until });
    }
    this.#reveal(made, { step: this.#step, deliverAt: 0 });
  }

  /** Its answer never came, or said that nobody can know. */
  publishLost(made: ModelMessage): void {
    this.#step += 1;
    this.#reveal(made, { step: this.#step, deliverAt: 0 });
  }

  publishRefused(made: ModelMessage): void {
    made.isAbsent = true;
  }

  #add(message: ModelMessage): void {
    const messages = this.#byTopic.get(message.topic) ?? [];
    messages.push(message);
    this.#byTopic.set(message.topic, messages);
    this.#restless.add(message);
    if (message.origin === undefined) this.#byBody.set(message.message.body, message);
  }

  // --- groups

  /** DEL-11: a declared group starts at what becomes visible from then on. */
  groupDeclared(group: ModelGroup, isConfirmed: boolean): void {
    if (group.from !== "undeclared") return;
    for (const messages of this.#byTopic.values()) {
      for (const message of messages) {
        if (message.visible === "no" || message.topic.startsWith("%DLQ%")) continue;
        const isBehind =
          isConfirmed &&
          group.mayBeDeclared !== true &&
          message.visible === "yes" &&
          message.isCertain &&
          !message.states.has(group.name);
        message.states.set(group.name, isBehind ? [PASSED_OVER] : [READY, PASSED_OVER]);
      }
    }
    if (isConfirmed) group.from = "latest";
    else group.mayBeDeclared = true;
  }

  // --- receiving

  waits(poll: PollRequest): void {
    this.#waiting.set(poll, { owedSince: undefined });
  }

  /** A poll was answered: each delivery was allowed, and nothing that it had to get was kept back. */
  received(poll: PollRequest, deliveries: readonly Delivery[], settledAt: EpochMs): void {
    const owedSince = poll.waitUpTo > 0 ? (this.#waiting.get(poll)?.owedSince ?? this.#now) : poll.askedAt;
    this.#waiting.delete(poll);
    this.#remember(poll);
    if (deliveries.length > poll.max)
      violated("DEL-7", `${deliveries.length} deliveries where ${poll.max} were asked for`);
    if (poll.ordered) this.#judgeOrder(poll, deliveries);
    else this.#judgePlain(poll, deliveries);
    for (const delivery of deliveries) this.#deliver(poll, delivery, settledAt);
    const owed = deliveries.length === 0 ? this.#owes(poll) : undefined;
    // What comes at the very instant at which a wait ends may come too late for it.
    if (owed !== undefined && (poll.waitUpTo === 0 || owedSince < this.#now))
      violated("DEL-1", `${poll.group} found nothing on ${poll.topic} although ${owed.name} was there`);
    this.#look(poll);
  }

  /** Its answer never came: whatever could have been in it may have been delivered. */
  receiveLost(poll: PollRequest): void {
    this.#waiting.delete(poll);
    this.#remember(poll);
    this.#look(poll);
    for (const message of this.#mayHave(poll.topic)) {
      const states = this.statesOf(message, poll.group);
      const more = states.flatMap((state) => {
        if (!poll.ordered && !matches(message, poll.tags)) return [];
        return [false, true].flatMap((blocked) => {
          const hiddenFor = blocked ? this.settings.blockedInvisibleFor : this.#invisibleFor(poll);
          return nextDelivery(state, this.#now, hiddenFor, poll.ordered) ?? [];
        });
      });
      this.#set(message, poll.group, [...states, ...more]);
    }
  }

  #deliver(poll: PollRequest, delivery: Delivery, settledAt: EpochMs): void {
    const { handle, attempt, visibleAgainAt: until, firstDeliveredAt: firstAt } = delivery;
    const message = this.#find(poll, delivery);
    this.#checkContent(message, delivery);
    const states = this.statesOf(message, poll.group);
    if (message.visible === "no") {
      violated(message.half === undefined ? "DLY-1" : "TX-1", `${message.name} was delivered while it was invisible`);
    }
    const isFirst = states.some(({ kind }) => kind === "ready") && attempt === 1;
    if (isFirst && !matches(message, poll.tags)) violated("TAG-1", `${message.name} does not match ${poll.tags}`);
    if (!poll.ordered && !matches(message, poll.tags)) violated("TAG-1", `${message.name} does not match ${poll.tags}`);

    const { maxRetries, blocks } = this.group(poll.group);
    const isBlocked = blocks && !poll.topic.startsWith("%DLQ%") && attempt > Math.min(...maxRetries);
    const hides = [this.#invisibleFor(poll), ...(isBlocked ? [this.settings.blockedInvisibleFor] : [])];
    const instants = hides.map((hidden) => until - hidden).filter((at) => at >= settledAt && at <= this.#now);
    if (instants.length === 0) violated("DEL-3", `${message.name} comes again at ${until}, now is ${this.#now}`);
    if (this.#handles.has(handle)) violated("DEL-4", `a handle of ${message.name} came twice`);
    this.#handles.set(handle, { of: message, group: poll.group, until });

    const seen = { attempt, handle, until, firstAt, ordered: poll.ordered };
    const after = states.flatMap((state) => instants.flatMap((at) => delivered(state, { ...seen, at }) ?? []));
    if (after.length === 0) {
      violated(
        "DEL-4",
        `attempt ${attempt} of ${message.name} to ${poll.group} cannot follow ${JSON.stringify(states)}`,
      );
    }
    this.#makeCertain(message);
    this.#set(message, poll.group, after);
  }

  #find(poll: PollRequest, delivery: Delivery): ModelMessage {
    const { body } = delivery.message;
    const here = (this.#byTopic.get(poll.topic) ?? []).find(
      (message) =>
        message.message.body === body && (message.origin === undefined || message.origin.group === poll.group),
    );
    if (here === undefined) violated("C2", `${body} was never sent to ${poll.topic}`);
    if (here.isAbsent) violated("PUB-6", `${here.name} was refused and delivered all the same`);
    return here;
  }

  #checkContent({ message, messageId, publishedAt, name, origin }: ModelMessage, delivery: Delivery): void {
    if (JSON.stringify(message) !== JSON.stringify(delivery.message)) violated("PUB-5", `${name} came back changed`);
    if (messageId !== undefined && messageId !== delivery.messageId)
      violated("PUB-3", `${name} has another message id`);
    if (origin === undefined && publishedAt !== delivery.publishedAt)
      violated("DEL-4", `${name} has another PublishTime`);
    if (origin !== undefined) this.#checkDeadLetter(origin, delivery.deadLetter);
  }

  #checkDeadLetter({ from, group }: NonNullable<ModelMessage["origin"]>, told: DeadLetterOrigin | undefined): void {
    const attempts = this.statesOf(from, group).flatMap((state) => (state.kind === "dead" ? [state.attempts] : []));
    if (told?.topic === from.topic && attempts.includes(told.attempts)) return;
    violated("DLQ-1", `${from.name} died as ${JSON.stringify(told)}, not after ${attempts} attempts`);
  }

  /** DEL-12, ORD-8: new ones in the order in which they became visible, none from a held queue. */
  #judgePlain(poll: PollRequest, deliveries: readonly Delivery[]): void {
    const batch = deliveries.map((delivery) => this.#find(poll, delivery));
    for (const [index, message] of batch.entries()) {
      const others = this.#mayHave(poll.topic, message.queue);
      const holder = others.find((other) =>
        this.#surely(other, poll.group, (state) => isInFlight(state, this.#now) && "ordered" in state && state.ordered),
      );
      if (holder !== undefined) violated("ORD-8", `${message.name} came from a queue held by ${holder.name}`);
      if (deliveries[index]?.attempt !== 1) continue;
      const earlier = others.find(
        (other) =>
          isBefore(other, message) &&
          !batch.slice(0, index).includes(other) &&
          this.#isNew(other, poll.group, poll.tags),
      );
      if (earlier !== undefined) violated("DEL-12", `${message.name} came before ${earlier.name}`);
    }
  }

  /** ORD-2 to ORD-4, for each message queue that gave something. */
  #judgeOrder(poll: PollRequest, deliveries: readonly Delivery[]): void {
    const batch = deliveries.map((delivery) => this.#find(poll, delivery));
    const attemptOf = new Map(batch.map((message, index) => [message, deliveries[index]?.attempt ?? 0]));
    const changes = batch.filter((message, index) => message.queue !== batch[index - 1]?.queue);
    if (new Set(changes.map(({ queue }) => queue)).size < changes.length) {
      violated("ORD-4", `the messages of one queue of ${poll.topic} do not stand together`);
    }
    for (const queue of new Set(batch.map((message) => message.queue))) {
      const given = batch.filter((message) => message.queue === queue);
      const there = this.#mayHave(poll.topic, queue);
      for (const other of there) {
        if (this.#surely(other, poll.group, (state) => isInFlight(state, this.#now))) {
          violated("ORD-2", `${given[0]?.name} came to ${poll.group} through a gate that ${other.name} holds`);
        }
        if (given.includes(other)) continue;
        const isDueHere = this.#surely(other, poll.group, (state) => isDue(state, this.#now));
        const isNewHere = this.#isNew(other, poll.group, poll.tags);
        for (const message of given) {
          const isNewer = attemptOf.get(message) === 1;
          if (isDueHere && isNewer) violated("ORD-3", `${message.name} came while ${other.name} was due`);
          const isPassed = isBefore(other, message) && (isDueHere || (isNewHere && isNewer));
          if (isPassed) violated("ORD-3", `${message.name} came before ${other.name}`);
        }
      }
      for (const [index, message] of given.entries()) {
        const before = given[index - 1];
        if (before !== undefined && isBefore(message, before))
          violated("ORD-1", `${message.name} stood behind ${before.name}`);
      }
    }
  }

  /** Something that this poll would have to be given now. */
  #owes(poll: PollRequest): ModelMessage | undefined {
    const { from } = this.group(poll.group);
    if (from === "undeclared") return undefined;
    for (const message of this.#byTopic.get(poll.topic) ?? []) {
      const isNew = this.#isNew(message, poll.group, poll.tags);
      const isDueHere =
        (poll.ordered || matches(message, poll.tags)) &&
        this.#surely(message, poll.group, (state) => isDue(state, this.#now));
      if ((isNew || isDueHere) && !this.#mayBeClosed(poll, message.queue)) return message;
    }
    return undefined;
  }

  #mayBeClosed({ topic, group, ordered }: PollRequest, queue: number): boolean {
    return this.#mayHave(topic, queue).some((message) =>
      this.statesOf(message, group).some(
        (state) => isInFlight(state, this.#now) && (ordered || ("ordered" in state && state.ordered)),
      ),
    );
  }

  #isNew(message: ModelMessage, group: string, tags: readonly string[]): boolean {
    return matches(message, tags) && this.#surely(message, group, ({ kind }) => kind === "ready");
  }

  /** Whether it is so in every world that is left. */
  #surely(message: ModelMessage, group: string, is: (state: DeliveryState) => boolean): boolean {
    return message.isCertain && message.visible === "yes" && this.statesOf(message, group).every(is);
  }

  #mayHave(topic: string, queue?: number): readonly ModelMessage[] {
    return (this.#byTopic.get(topic) ?? []).filter(
      (message) => !message.isAbsent && message.visible !== "no" && (queue === undefined || message.queue === queue),
    );
  }

  /** Sorts what several waiting polls were given at one instant. */
  placeOf(topic: string, bodies: readonly string[]): number {
    const [first] = bodies;
    const message = (this.#byTopic.get(topic) ?? []).find((one) => one.message.body === first);
    return (message?.place?.step ?? 0) * 2 ** 10 + (message?.place?.deliverAt ?? 0) / 2 ** 42;
  }

  hasDelayed(): boolean {
    return [...this.#byTopic.values()]
      .flat()
      .some(({ deliverAt, visible }) => deliverAt !== undefined && visible === "no");
  }

  statesOf(message: ModelMessage, group: string): readonly DeliveryState[] {
    return message.states.get(group) ?? [READY];
  }

  /** TAG-2: what this poll may have passed over for good. */
  #look(poll: PollRequest): void {
    if (poll.tags.length === 0) return;
    const others = [...(this.#filters.get(`${poll.topic} ${poll.group}`) ?? [])].filter(
      ([filter, usedAt]) => filter !== poll.tags.join("||") && this.#now - usedAt < this.settings.filterMemory,
    );
    for (const message of this.#mayHave(poll.topic)) {
      if (matches(message, poll.tags)) continue;
      const isWanted = others.some(([filter]) => matches(message, filter === "" ? [] : filter.split("||")));
      if (isWanted && !poll.ordered) continue;
      const states = this.statesOf(message, poll.group);
      const mayPass = states.some(({ kind }) => kind === "ready") && !states.includes(PASSED_OVER);
      if (mayPass) message.states.set(poll.group, [...states, PASSED_OVER]);
    }
  }

  #remember(poll: PollRequest): void {
    const key = `${poll.topic} ${poll.group}`;
    const filters = this.#filters.get(key) ?? new Map<string, EpochMs>();
    this.#filters.set(key, filters.set(poll.tags.join("||"), poll.askedAt));
  }

  #invisibleFor({ ordered }: PollRequest): DurationMs {
    return ordered ? this.settings.orderedInvisibleFor : this.settings.invisibleFor;
  }

  // --- what ends a delivery

  acknowledged(topic: string, group: string, outcomes: readonly HandleOutcome[]): void {
    for (const { handle, refusal } of outcomes) {
      const known = this.#handles.get(handle);
      const fits = known?.group === group && known.of.topic === topic;
      if (known === undefined || !fits) {
        if (refusal !== "invalid") violated("DEL-5", `a handle of elsewhere was taken: ${refusal}`);
        continue;
      }
      const answer = refusal ?? "done";
      const worlds = this.statesOf(known.of, group).map((state) =>
        acknowledged(state, { handle, until: known.until }, this.#now),
      );
      const left = worlds.filter(({ answers }) => answers.some((allowed) => allowed === answer));
      if (left.length === 0)
        violated("DEL-5", `${answer} for ${known.of.name} of ${group}: ${this.#describe(known.of, group)}`);
      this.#set(
        known.of,
        group,
        left.map(({ state }) => state),
      );
    }
  }

  acknowledgeLost(group: string, handles: readonly string[]): void {
    for (const handle of handles) {
      const known = this.#handles.get(handle);
      if (known?.group !== group) continue;
      const states = this.statesOf(known.of, group);
      const more = states.map((state) => acknowledged(state, { handle, until: known.until }, this.#now).state);
      this.#set(known.of, group, [...states, ...more]);
    }
  }

  gaveBack(handles: readonly string[], isConfirmed: boolean): void {
    const { giveBacksBeforeDelivery } = this.settings;
    for (const handle of handles) {
      const known = this.#handles.get(handle);
      if (known === undefined) continue;
      const { of, group } = known;
      if (group === undefined) {
        const after = (of.half ?? []).map((state) => offerGivenBack(state, handle, giveBacksBeforeDelivery));
        of.half = unique(isConfirmed ? after : [...(of.half ?? []), ...after]);
      } else {
        const states = this.statesOf(of, group);
        const after = states.map((state) => givenBack(state, handle, giveBacksBeforeDelivery));
        this.#set(of, group, isConfirmed ? after : [...states, ...after]);
      }
    }
  }

  // --- half messages

  offered(topic: string, deliveries: readonly Delivery[], settledAt: EpochMs): void {
    for (const {
      message: { body },
      handle,
      attempt,
      visibleAgainAt: until,
      firstDeliveredAt,
    } of deliveries) {
      const message = this.#byBody.get(body);
      if (message?.half === undefined) violated("C2", `${body} is no half message`);
      const at = until - this.settings.halfInvisibleFor;
      if (at < settledAt || at > this.#now) violated("TX-3", `the check of ${message.name} ends at ${until}`);
      const seen = { check: attempt, handle, at, until, firstCheckedAt: firstDeliveredAt };
      const after = message.half.flatMap((state) => offered(state, seen) ?? []);
      if (after.length === 0)
        violated("TX-3", `check ${attempt} of ${message.name} cannot follow ${JSON.stringify(message.half)}`);
      message.isCertain = true;
      message.half = after;
      message.visible = "no";
      this.#restless.add(message);
      if (this.#handles.has(handle)) violated("TX-3", `a handle of ${message.name} came twice`);
      this.#handles.set(handle, { of: message, until });
    }
    const owed = deliveries.length > 0 ? undefined : this.#owedChecks(topic)[0];
    if (owed !== undefined) violated("TX-3", `no check of ${owed.name} although it was due`);
  }

  offerLost(topic: string): void {
    const [at, until] = [this.#now, this.#now + this.settings.halfInvisibleFor];
    for (const message of this.#byTopic.get(topic) ?? []) {
      const more = (message.half ?? []).flatMap((state) => {
        if (state.kind !== "open") return [];
        const firstCheckedAt = state.firstCheckedAt ?? at;
        return offered(state, { check: state.checks + 1, handle: undefined, at, until, firstCheckedAt }) ?? [];
      });
      if (more.length > 0) message.half = unique([...(message.half ?? []), ...more]);
    }
  }

  #owedChecks(topic: string): readonly ModelMessage[] {
    return (this.#byTopic.get(topic) ?? []).filter(
      ({ isCertain, half }) => isCertain && half?.every((state) => canBeOffered(state, this.#now)),
    );
  }

  ended(outcomes: readonly HandleOutcome[], outcome: "committed" | "rolled-back"): void {
    for (const { handle, refusal } of outcomes) {
      const known = this.#handles.get(handle);
      if (known?.of.half === undefined || known.group !== undefined) {
        if (refusal !== "invalid") violated("DEL-14", `a handle of a delivery ended a transaction: ${refusal}`);
        continue;
      }
      const { of, until } = known;
      const answer = refusal ?? "done";
      const left = known.of.half
        .map((state) => ended(state, { handle, until }, outcome, this.#now))
        .filter((world) => world.answer === answer);
      if (left.length === 0) violated("TX-5", `${answer} for ${outcome} of ${of.name}: ${JSON.stringify(of.half)}`);
      of.half = unique(left.map(({ state }) => state));
      this.#restless.add(of);
      this.#step += 1;
      this.#reveal(of, { step: this.#step, deliverAt: 0 });
    }
  }

  endLost(handles: readonly string[], outcome: "committed" | "rolled-back"): void {
    for (const handle of handles) {
      const known = this.#handles.get(handle);
      if (known?.of.half === undefined || known.group !== undefined) continue;
      const { of, until } = known;
      const more = known.of.half.map((state) => ended(state, { handle, until }, outcome, this.#now).state);
      of.half = unique([...known.of.half, ...more]);
      this.#restless.add(of);
      this.#reveal(of, { step: this.#step, deliverAt: 0 });
    }
  }

  // --- the end

  /** What healthy consumers would still have to be given. */
  unfinished(groups: readonly string[]): string[] {
    const left: string[] = [];
    for (const messages of this.#byTopic.values()) {
      for (const message of messages) {
        if (message.isAbsent || !message.isCertain) continue;
        for (const group of message.origin === undefined ? groups : [message.origin.group]) {
          if (message.visible === "yes" && !this.statesOf(message, group).some(isOver))
            left.push(`${message.name} for ${group}`);
        }
      }
    }
    return left;
  }

  // --- worlds

  #set(message: ModelMessage, group: string, states: readonly DeliveryState[]): void {
    const worlds = unique(states);
    message.states.set(group, worlds);
    if (worlds.some(({ kind }) => kind === "delivered")) this.#restless.add(message);
    if (worlds.some(({ kind }) => kind === "dead")) this.#bury(message, group, worlds);
  }

  /** DLQ-1: the same message, on the group's dead-letter topic. */
  #bury(from: ModelMessage, group: string, worlds: readonly DeliveryState[]): void {
    const topic = `%DLQ%${group}`;
    let dead = (this.#byTopic.get(topic) ?? []).find(({ origin }) => origin?.from === from);
    if (dead === undefined) {
      dead = new ModelMessage(topic, 0, from.message, from.publishedAt);
      dead.messageId = from.messageId;
      dead.visible = "yes";
      dead.origin = { from, group };
      this.#add(dead);
    }
    if (worlds.every(({ kind }) => kind === "dead")) dead.isCertain = true;
  }

  /** Somebody has seen it, so it is there. */
  #makeCertain(message: ModelMessage): void {
    message.isCertain = true;
    const { origin } = message;
    if (origin !== undefined) {
      const states = this.statesOf(origin.from, origin.group).filter(({ kind }) => kind === "dead");
      origin.from.states.set(origin.group, states);
      this.#makeCertain(origin.from);
    } else if (message.visible === "maybe") {
      message.half = message.half?.filter(({ kind }) => kind === "committed");
      message.visible = "yes";
    }
  }

  #describe(message: ModelMessage, group: string): string {
    return `${JSON.stringify(this.statesOf(message, group))} at ${this.#now}`;
  }
}

/** TAG-1. */
function matches({ message }: ModelMessage, tags: readonly string[]): boolean {
  return tags.length === 0 || tags.includes(message.tag);
}

/** Only where both places are known. */
function isBefore({ place: one }: ModelMessage, { place: other }: ModelMessage): boolean {
  if (one === undefined || other === undefined) return false;
  return one.step < other.step || (one.step === other.step && one.deliverAt < other.deliverAt);
}

/** ORD-1: `abs(javaStringHash(key) % queues)`. */
function shard(key: string, queues: number): number {
  let hash = 0;
  for (const unit of key) hash = (Math.imul(31, hash) + (unit.codePointAt(0) ?? 0)) | 0;
  const rest = hash % queues;
  return rest < 0 ? -rest : rest;
}

function unique<State>(states: readonly State[]): readonly State[] {
  if (states.length < 2 || (states.length === 2 && states[0] === states[1])) return states.slice(0, 1);
  return [...new Map(states.map((state) => [JSON.stringify(state), state])).values()];
}
