import { BrokerError } from "../domain/broker-error.ts";
import type { Moment } from "../domain/moment.ts";
import { parseTagFilter, type TagFilter } from "../domain/tag-filter.ts";
import type { DurationMs, EpochMs } from "../domain/time.ts";
import type {
  AcknowledgeRequest,
  Call,
  Catalog,
  Delivery,
  EndTransactionRequest,
  Engine,
  GiveBackRequest,
  HandleOutcome,
  Inspection,
  PublishReceipt,
  PublishRequest,
  ReceiveHalfRequest,
  ReceiveRequest,
} from "../engine/engine.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { EmbeddedCatalog } from "./catalog.ts";
import type { Pick } from "./decisions/batch.ts";
import type { Context } from "./decisions/context.ts";
import { decideAcknowledge } from "./decisions/decide-acknowledge.ts";
import { decideEndTransaction } from "./decisions/decide-end-transaction.ts";
import { decideGiveBack } from "./decisions/decide-give-back.ts";
import { decidePublish } from "./decisions/decide-publish.ts";
import { decideReceiveConcurrent } from "./decisions/decide-receive-concurrent.ts";
import { decideReceiveHalf, type HalfOffer } from "./decisions/decide-receive-half.ts";
import { decideReceiveOrdered } from "./decisions/decide-receive-ordered.ts";
import { decideDropping } from "./decisions/decide-retention.ts";
import { decideHalfTopic, decideSubscribe } from "./decisions/decide-subscribe.ts";
import { decideSweep, nextSweepAt } from "./decisions/decide-sweep.ts";
import { DueAlarm } from "./due-alarm.ts";
import { Housekeeper } from "./housekeeper.ts";
import { EmbeddedInspection } from "./inspection.ts";
import type { Fact, HalfMessageStored, Position } from "./journal/fact.ts";
import type { Journal } from "./journal/journal.ts";
import { LastUses } from "./last-uses.ts";
import { LOST_MESSAGE_ID } from "./lost-message.ts";
import { MessageIds } from "./message-ids.ts";
import { MessageLog } from "./message-log.ts";
import { MessageReader } from "./message-reader.ts";
import { checkNothingIsLost, type OpenedLedger, openLedger } from "./open-ledger.ts";
import { PollMemory } from "./poll-memory.ts";
import { Receipts } from "./receipt.ts";
import { Retention } from "./retention.ts";
import { halfRoom, roomsWokenBy, subscriptionRoom } from "./rooms.ts";
import type { EngineSettings } from "./settings.ts";
import { Agenda } from "./state/agenda.ts";
import type { GroupState, Ledger, TopicState } from "./state/ledger.ts";
import { Subscription } from "./state/subscription.ts";
import { TagHasher } from "./tag-hasher.ts";
import { WaitingRoom } from "./waiting-room.ts";

export interface EmbeddedEngineParts {
  readonly journal: Journal;
  readonly runtime: Omit<Runtime, "disk">;
  readonly settings: EngineSettings;
  /** By which a long poll's wait is measured; it ends on whichever comes first (TIM-4). */
  readonly waitClocks: readonly [Clock, ...Clock[]];
}

/** Opens the journal and adds it up. What comes back serves at once. */
export async function openEmbeddedEngine(parts: EmbeddedEngineParts): Promise<Engine> {
  const { journal, runtime, settings } = parts;
  try {
    await journal.open();
    const tags = new TagHasher(journal.secret);
    const opened = await openLedger(journal, settings, (tag) => tags.hash(tag));
    checkNothingIsLost(journal, opened);
    runtime.clock.startFrom(opened.ledger.newestAt);
    return new EmbeddedEngine(parts, opened, tags);
  } catch (error) {
    await journal.close();
    throw error;
  }
}

/** What a poll was given. It is committed; the disk may not have it yet. */
type Taken = { readonly position: Position; readonly unpin: () => void } & (
  | { readonly sort: "delivery"; readonly picks: readonly Pick[]; readonly topic: TopicState; readonly group: number }
  | { readonly sort: "half"; readonly offers: readonly HalfOffer[] }
);

/**
 * Decides which facts follow from a request, commits them to journal and ledger, waits for the disk, answers. Between the
 * decision and the commit nothing else runs; nothing is answered before the disk has it.
 */
class EmbeddedEngine implements Engine {
  readonly catalog: Catalog;
  readonly inspection: Inspection;
  readonly #journal: Journal;
  readonly #runtime: EmbeddedEngineParts["runtime"];
  readonly #settings: EngineSettings;
  readonly #ledger: Ledger;
  readonly #tags: TagHasher;
  readonly #receipts: Receipts;
  readonly #ids: MessageIds;
  readonly #messages: MessageReader;
  readonly #housekeeper: Housekeeper;
  readonly #log: MessageLog;
  readonly #waiting: WaitingRoom<Taken>;
  /** Polls that came when there was no space to write down what they are given (DUR-3). */
  readonly #starving: WaitingRoom<true>;
  readonly #polls = new WeakMap<Subscription, PollMemory>();
  /** Who has passed over what is not written down yet. */
  readonly #unwritten = new Agenda<PollMemory>();
  readonly #uses: LastUses;
  readonly #retention: Retention;
  /** Verbs that have not answered yet. */
  readonly #atWork = new Set<Promise<unknown>>();
  /** The newest fact committed. */
  #newest: Position = -1;
  readonly #alarm: DueAlarm;
  #stopped: Promise<void> | undefined;
  /** DUR-2: from then on everything is refused. */
  #failure: BrokerError | undefined;

  constructor({ journal, runtime, settings, waitClocks }: EmbeddedEngineParts, opened: OpenedLedger, tags: TagHasher) {
    const { ledger } = opened;
    this.#journal = journal;
    this.#runtime = runtime;
    this.#settings = settings;
    this.#ledger = ledger;
    this.#tags = tags;
    this.#receipts = new Receipts(journal.secret);
    this.#ids = new MessageIds(runtime.random);
    this.#messages = new MessageReader(journal, ledger);
    this.#housekeeper = new Housekeeper(
      {
        journal,
        clock: runtime.clock,
        log: runtime.log,
        messages: this.#messages,
        commit: (facts) => this.#commit(facts),
        settings: settings.housekeeping,
      },
      opened,
    );
    this.#log = new MessageLog(ledger, this.#messages, runtime.log, settings.messageLogLevel);
    this.#waiting = new WaitingRoom(waitClocks);
    this.#starving = new WaitingRoom(waitClocks);
    this.#uses = new LastUses(runtime.clock.now());
    this.catalog = new EmbeddedCatalog(ledger, this.#uses, runtime.clock, (decide) =>
      this.#work(async () => {
        const facts = decide(this.#context());
        if (facts.length > 0) journal.space.check("consuming");
        await this.#journal.synced(this.#commit(facts));
      }),
    );
    const { clock } = runtime;
    this.#retention = new Retention({ clock, ledger, journal, settings, uses: this.#uses });
    this.inspection = new EmbeddedInspection(ledger, settings);
    const sweep = {
      get nextAt() {
        return nextSweepAt({ ledger, settings, now: clock.now() });
      },
    };
    this.#alarm = new DueAlarm(clock, ledger, [this.#unwritten, sweep, this.#retention], () => this.#ring());
    journal.failed.then(
      (cause) => {
        this.#failure = new BrokerError("storage-failed", "The disk failed.", { cause });
        this.#waiting.failAll(this.#failure);
        this.#starving.failAll(this.#failure);
      },
      () => undefined,
    );
    journal.space.onRelief(() => this.#goOn());
    this.#alarm.set();
  }

  publish(_call: Call, request: PublishRequest): Promise<PublishReceipt> {
    return this.#work(async () => {
      const messageId = this.#ids.next();
      const { facts, mismatch } = decidePublish(this.#ledger, request, messageId, this.#context());
      this.#journal.space.check("publishing");
      this.#retention.checkRoom();
      const position = this.#commit(facts);
      const topic = this.#ledger.topic(request.topic);
      if (topic !== undefined) this.#uses.note(this.#runtime.clock.now(), topic);
      if (mismatch !== undefined) this.#log.sayMismatch(request.topic, mismatch);
      await this.#journal.synced(position);
      return { messageId, ...this.#transactionHandleOf(facts) };
    });
  }

  receive(call: Call, request: ReceiveRequest): Promise<Delivery[]> {
    return this.#work(async () => {
      const filter = parseTagFilter(request.tags);
      const waitUpTo = this.#isStarving ? await this.#waitForSpace(call, request) : request.waitUpTo;
      if (waitUpTo === undefined) return [];
      this.#dropTooOld(this.#ledger.topic(request.topic), this.#context());
      const start = decideSubscribe(this.#ledger, request, this.#context());
      const startedAt = this.#commit(start);
      const { topic, subscription, group } = this.#subscriptionOf(request);
      this.#uses.beginPoll(topic, subscription, group);
      const memory = this.#memoryOf(subscription);
      if (start.length > 0) memory.startedAt = startedAt;
      memory.hold(filter);
      const taken = await this.#takeOrWait(call, waitUpTo, {
        room: subscriptionRoom(topic.id, subscription.group),
        shape: `${request.mode} ${filter.text}`,
        take: () => this.#take(topic, subscription, request, filter),
      }).finally(() => {
        const now = this.#runtime.clock.now();
        memory.release(filter, now, this.#settings.filterMemory);
        this.#uses.endPoll(now, topic, subscription, group);
      });
      // DEL-11: also where it finds nothing, a first poll has fixed where the group starts.
      const position = taken?.position ?? memory.startedAt;
      if (taken?.sort === "delivery") {
        const deliveries = await this.#answer(taken, () => taken.picks.map((pick) => this.#deliver(taken, pick)));
        const there = this.#leaveOutLost(request, deliveries);
        // Behind what is lost there may be more.
        return there.length > 0 ? there : this.receive(call, request);
      }
      if (position !== undefined) await this.#journal.synced(position);
      return [];
    });
  }

  acknowledge(_call: Call, request: AcknowledgeRequest): Promise<HandleOutcome[]> {
    return this.#work(async () => {
      const { facts, outcomes } = decideAcknowledge(this.#ledger, request, this.#receipts, this.#context());
      if (facts.length > 0) this.#journal.space.check("consuming");
      // Also without a fact of its own: "done already" is true only once the disk has what did it.
      await this.#journal.synced(this.#commit(facts));
      return [...outcomes];
    });
  }

  giveBack(_call: Call, request: GiveBackRequest): Promise<void> {
    // While the engine stops too: those who hung up must not lose their deliveries for it.
    return this.#track(async () => {
      const facts = decideGiveBack(this.#ledger, request, this.#receipts, this.#context());
      if (facts.length > 0) this.#journal.space.check("consuming");
      await this.#journal.synced(this.#commit(facts));
    });
  }

  receiveHalf(call: Call, request: ReceiveHalfRequest): Promise<Delivery[]> {
    return this.#work(async () => {
      const waitUpTo = this.#isStarving ? await this.#waitForSpace(call, request) : request.waitUpTo;
      if (waitUpTo === undefined) return [];
      this.#commit(decideHalfTopic(this.#ledger, request, this.#context()));
      const topic = this.#topicOf(request);
      this.#uses.beginPoll(topic);
      const taken = await this.#takeOrWait(call, waitUpTo, {
        room: halfRoom(topic.id),
        shape: "",
        take: () => this.#takeHalf(request),
      }).finally(() => this.#uses.endPoll(this.#runtime.clock.now(), topic));
      if (taken?.sort !== "half") return [];
      return this.#answer(taken, () => taken.offers.map((offer) => this.#offer(offer)));
    });
  }

  endTransaction(_call: Call, request: EndTransactionRequest): Promise<HandleOutcome[]> {
    return this.#work(async () => {
      const { facts, outcomes } = decideEndTransaction(this.#ledger, request, this.#receipts, this.#context());
      if (facts.length > 0) this.#journal.space.check("consuming");
      await this.#journal.synced(this.#commit(facts));
      return [...outcomes];
    });
  }

  settled(): Promise<void> {
    return this.#journal.synced(this.#newest);
  }

  stop(beforeClosing?: () => Promise<void>): Promise<void> {
    this.#stopped ??= this.#stop(beforeClosing);
    return this.#stopped;
  }

  async #stop(beforeClosing = async () => {}): Promise<void> {
    this.#waiting.empty();
    this.#starving.empty();
    await this.#finishWork();
    await beforeClosing();
    await this.#finishWork();
    this.#unlessFailed(() => this.#writePassedOver(Number.POSITIVE_INFINITY));
    this.#alarm.cancel();
    await this.#housekeeper.stop();
    await this.#journal.close();
  }

  async #finishWork(): Promise<void> {
    while (this.#atWork.size > 0) await Promise.allSettled([...this.#atWork]);
  }

  /** Runs a verb, unless the engine stops. */
  #work<Answer>(verb: () => Promise<Answer>): Promise<Answer> {
    if (this.#stopped !== undefined) {
      return Promise.reject(new BrokerError("stopping", "The broker is stopping; nothing was stored."));
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return this.#track(verb);
  }

  #track<Answer>(verb: () => Promise<Answer>): Promise<Answer> {
    const answer = verb();
    const leave = (): boolean => this.#atWork.delete(done);
    const done: Promise<boolean> = answer.then(leave, leave);
    this.#atWork.add(done);
    return answer;
  }

  /** The time, read once for a verb. Whoever waited for what has come due is served before it (DEL-7). */
  #moment(): Moment {
    const moment = { now: this.#runtime.clock.now(), wall: this.#runtime.clock.wall() };
    this.#noteWallStep(moment.now);
    if (this.#ledger.agenda.nextAt <= moment.now) this.#wakeDue(moment.now);
    return moment;
  }

  /** TIM-2: written down, so that a restart does not forget it. */
  #noteWallStep(at: EpochMs): void {
    const step = this.#runtime.clock.wallStep();
    const known = this.#ledger.wallClockStep;
    if (step === undefined || (step.from === known?.from && step.to === known.to) || this.#isStarving) return;
    this.#commit([{ kind: "wall-clock-stepped", ...step, at }]);
  }

  #wakeDue(now: EpochMs): void {
    const rooms = new Set<string>();
    this.#ledger.settle(now, (owner) => {
      rooms.add(owner instanceof Subscription ? subscriptionRoom(owner.topic, owner.group) : halfRoom(owner.topic));
    });
    for (const room of rooms) this.#waiting.wake(room);
  }

  #context(): Context {
    return { moment: this.#moment(), settings: this.#settings, draw: () => this.#runtime.random.below(2 ** 32) };
  }

  /** Adds facts to journal and ledger, and wakes whom they concern. Says how far the disk must be before an answer. */
  #commit(facts: readonly Fact[]): Position {
    if (facts.length === 0) return this.#newest;
    const positions = this.#journal.append(facts);
    for (const [index, fact] of facts.entries()) this.#apply(fact, positions[index] ?? 0);
    const position = positions.at(-1) ?? this.#newest;
    this.#newest = position;
    this.#housekeeper.note(position, facts);
    this.#log.note(facts, positions);
    this.#alarm.set();
    for (const room of roomsWokenBy(facts, this.#ledger)) this.#waiting.wake(room);
    return position;
  }

  #apply(fact: Fact, position: Position): void {
    this.#ledger.apply(fact, position);
    if (fact.kind !== "deliveries-given-back") return;
    const subscription = this.#ledger.subscription(fact.topic, fact.group);
    if (subscription !== undefined) this.#polls.get(subscription)?.lookAgainAt(fact.queue, fact.offsets);
  }

  /** DUR-3: while there is space for nothing, a poll finds nothing. How long it may wait from here on; undefined: it is over. */
  async #waitForSpace({ signal }: Call, { waitUpTo }: { readonly waitUpTo: number }): Promise<DurationMs | undefined> {
    const serve = (): true | undefined => (this.#isStarving ? undefined : true);
    const isFed = waitUpTo > 0 && (await this.#starving.wait({ room: "", shape: "", waitUpTo, signal, serve }));
    return isFed ? 0 : undefined;
  }

  get #isStarving(): boolean {
    return this.#journal.space.room === "none";
  }

  /** Who found nothing for want of space looks again, and what has come due meanwhile is written down. */
  #goOn(): void {
    if (this.#stopped !== undefined) return;
    this.#ring();
    this.#starving.wakeAll();
    this.#waiting.wakeAll();
  }

  async #takeOrWait(
    { signal }: Call,
    waitUpTo: DurationMs,
    { room, shape, take }: { room: string; shape: string; take: () => Taken | undefined },
  ): Promise<Taken | undefined> {
    if (signal.aborted) return undefined;
    const taken = take();
    if (taken !== undefined || waitUpTo <= 0) return taken;
    return this.#waiting.wait({ room, shape, waitUpTo, signal, serve: take });
  }

  #take(topic: TopicState, subscription: Subscription, request: ReceiveRequest, filter: TagFilter): Taken | undefined {
    if (this.#isStarving) return undefined;
    const context = this.#context();
    const { now } = context.moment;
    this.#dropTooOld(topic, context);
    const memory = this.#memoryOf(subscription);
    memory.useFilter(filter, now, this.#settings.filterMemory);
    const isMixed = memory.useSort(request.mode === "ordered", now, this.#settings.filterMemory);
    if (isMixed) this.#log.sayOnce(memory, "subscription.polled-both-ways", subscription);

    const tagSetOf = (...filters: readonly TagFilter[]) => this.#tags.tagSetOf(...filters);
    const poll = { ledger: this.#ledger, topic, subscription, request, filter, memory, tagSetOf, context };
    const decision = request.mode === "ordered" ? decideReceiveOrdered(poll) : decideReceiveConcurrent(poll);
    if (decision.isFull) this.#log.sayOnce(memory, "subscription.full", subscription);
    memory.note(decision, filter, now, topic.queues.length);
    this.#unwritten.place(memory);
    this.#alarm.set();
    const position = this.#commit(decision.facts);
    if (decision.picks.length === 0) return undefined;
    const { picks } = decision;
    const unpin = this.#pin(picks.flatMap((pick) => topic.queues[pick.queue]?.placesOf(pick.offset) ?? []));
    return { sort: "delivery", position, unpin, picks, topic, group: subscription.group };
  }

  /** RET-1: before a poll looks, so that it is offered nothing of it. */
  #dropTooOld(topic: TopicState | undefined, context: Context): void {
    if (topic !== undefined) this.#commit(decideDropping(this.#ledger, topic, this.#uses, context));
  }

  #takeHalf(request: ReceiveHalfRequest): Taken | undefined {
    if (this.#isStarving) return undefined;
    const offers = decideReceiveHalf(this.#ledger, request, this.#context());
    const position = this.#commit(offers.map(({ fact }) => fact));
    if (offers.length === 0) return undefined;
    return { sort: "half", position, unpin: this.#pin(offers.map(({ half }) => half.position)), offers };
  }

  /** D13: bodies are read once the disk has the delivery; nobody may delete them before. */
  #pin(positions: readonly Position[]): () => void {
    const pins = positions.map((position) => this.#journal.pin(position));
    return () => {
      for (const unpin of pins) unpin();
    };
  }

  async #answer({ position, unpin }: Taken, read: () => Promise<Delivery>[]): Promise<Delivery[]> {
    try {
      await this.#journal.synced(position);
      return await Promise.all(read());
    } finally {
      unpin();
    }
  }

  async #deliver({ topic, group }: Extract<Taken, { sort: "delivery" }>, pick: Pick): Promise<Delivery> {
    const { queue, offset, attempt, number, at, until } = pick;
    const stored = await this.#messages.read(pick.position);
    return {
      ...stored,
      handle: this.#receipts.seal({
        sort: "delivery",
        topic: topic.id,
        group,
        queue,
        offset,
        attempt,
        number,
        at,
        until,
      }),
      attempt,
      firstDeliveredAt: pick.firstDeliveredAt,
      visibleAgainAt: until,
    };
  }

  /** What a repair could not save is done with for a group as soon as it would be given it. */
  #leaveOutLost({ topic, group }: ReceiveRequest, deliveries: readonly Delivery[]): Delivery[] {
    const handles = deliveries.filter(({ messageId }) => messageId === LOST_MESSAGE_ID).map(({ handle }) => handle);
    if (handles.length > 0) {
      const request = { topic, group, handles };
      this.#commit(decideAcknowledge(this.#ledger, request, this.#receipts, this.#context()).facts);
    }
    return deliveries.filter(({ messageId }) => messageId !== LOST_MESSAGE_ID);
  }

  async #offer({ half, firstCheckedAt, fact }: HalfOffer): Promise<Delivery> {
    const { topic, check, number, at, until } = fact;
    const stored = await this.#messages.read(half.position);
    return {
      ...stored,
      handle: this.#receipts.seal({ sort: "transaction", topic, half: fact.id, check, number, at, until }),
      attempt: check,
      firstDeliveredAt: firstCheckedAt,
      visibleAgainAt: until,
    };
  }

  #transactionHandleOf(facts: readonly Fact[]): Omit<PublishReceipt, "messageId"> {
    const stored = facts.find((fact): fact is HalfMessageStored => fact.kind === "half-message-stored");
    if (stored === undefined) return {};
    const { topic, id, number, at, firstCheckAt } = stored;
    const receipt = { sort: "transaction", topic, half: id, check: 0, number, at, until: firstCheckAt } as const;
    return { transactionHandle: this.#receipts.seal(receipt) };
  }

  #memoryOf(subscription: Subscription): PollMemory {
    let memory = this.#polls.get(subscription);
    if (memory === undefined) {
      memory = new PollMemory(subscription);
      this.#polls.set(subscription, memory);
    }
    return memory;
  }

  #topicOf(request: ReceiveHalfRequest): TopicState {
    const topic = this.#ledger.topic(request.topic);
    if (topic === undefined) throw new Error(`no topic ${request.topic.topic} after it was made`);
    return topic;
  }

  #subscriptionOf(request: ReceiveRequest): { topic: TopicState; group: GroupState; subscription: Subscription } {
    const topic = this.#ledger.topic(request.topic);
    const group = this.#ledger.group(request.group);
    const subscription = topic?.subscriptions.get(group?.id ?? 0);
    if (topic === undefined || group === undefined || subscription === undefined) {
      throw new Error("no subscription after it was started");
    }
    return { topic, group, subscription };
  }

  /** Something has come due: those who wait are woken, and what must be written down is swept up, a slice a turn. */
  #ring(): void {
    this.#unlessFailed(() => {
      const context = this.#context();
      this.#writePassedOver(context.moment.now);
      this.#commit(decideSweep(this.#ledger, context));
      this.#commit(this.#retention.drop(context));
      this.#commit(this.#retention.forget(context));
      this.#alarm.set();
    });
  }

  /** TAG-2: what polls have passed over is written down within a second, and before the engine stops. */
  #writePassedOver(upTo: EpochMs): void {
    this.#commit([...this.#unwritten.due(upTo)].flatMap((memory) => memory.writeDown()));
  }

  /**
   * DUR-2: once the disk has failed, who waits has been told, and the process ends; there is nothing left to write down.
   * DUR-3: while there is space for nothing, it waits until there is.
   */
  #unlessFailed(step: () => void): void {
    if (this.#isStarving) return;
    try {
      step();
    } catch (error) {
      if (!(error instanceof BrokerError && error.code === "storage-failed")) throw error;
    }
  }
}
