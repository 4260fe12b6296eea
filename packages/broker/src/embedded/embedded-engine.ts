import { BrokerError } from "../domain/broker-error.ts";
import type { Moment } from "../domain/moment.ts";
import { parseTagFilter, type TagFilter } from "../domain/tag-filter.ts";
import type { DurationMs, EpochMs } from "../domain/time.ts";
import type {
  AcknowledgeRequest,
  Call,
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
import type { Context } from "./decisions/context.ts";
import { decideAcknowledge } from "./decisions/decide-acknowledge.ts";
import { decideEndTransaction } from "./decisions/decide-end-transaction.ts";
import { decideGiveBack } from "./decisions/decide-give-back.ts";
import { decidePublish } from "./decisions/decide-publish.ts";
import { decideReceiveConcurrent } from "./decisions/decide-receive-concurrent.ts";
import { decideReceiveHalf } from "./decisions/decide-receive-half.ts";
import { decideReceiveOrdered } from "./decisions/decide-receive-ordered.ts";
import { decideHalfTopic, decideSubscribe } from "./decisions/decide-subscribe.ts";
import { Handover, type Taken } from "./handover.ts";
import { Housekeeper } from "./housekeeper.ts";
import { EmbeddedInspection } from "./inspection.ts";
import type { Fact, HalfMessageStored, Position } from "./journal/fact.ts";
import type { Journal } from "./journal/journal.ts";
import { LastUses } from "./last-uses.ts";
import { LOST_MESSAGE_ID } from "./lost-message.ts";
import { MessageIds } from "./message-ids.ts";
import { MessageLister } from "./message-lister.ts";
import { MessageLog } from "./message-log.ts";
import { MessageReader } from "./message-reader.ts";
import { checkNothingIsLost, type OpenedLedger, openLedger } from "./open-ledger.ts";
import { PollMemories } from "./poll-memories.ts";
import { Receipts } from "./receipt.ts";
import { Retention } from "./retention.ts";
import { halfRoom, roomsWokenBy, subscriptionRoom } from "./rooms.ts";
import type { EngineSettings } from "./settings.ts";
import type { GroupState, Ledger, TopicState } from "./state/ledger.ts";
import { Subscription } from "./state/subscription.ts";
import { Sweeper } from "./sweeper.ts";
import { TagHasher } from "./tag-hasher.ts";
import { VerbsAtWork } from "./verbs-at-work.ts";
import { WaitingRoom } from "./waiting-room.ts";

export interface EmbeddedEngineParts {
  readonly journal: Journal;
  readonly runtime: Omit<Runtime, "disk">;
  readonly settings: EngineSettings;
  /** By which a long poll's wait is measured; it ends on whichever comes first (TIM-4). */
  readonly waitClocks: readonly [Clock, ...Clock[]];
}

/** Opens the journal and adds it up. What comes back serves at once. `showLedger` is for who holds it against its journal. */
export async function openEmbeddedEngine(
  parts: EmbeddedEngineParts,
  showLedger: (ledger: Ledger) => void = () => {},
): Promise<Engine> {
  const { journal, runtime, settings } = parts;
  try {
    await journal.open();
    const tags = new TagHasher(journal.secret);
    const opened = await openLedger(journal, settings, (tag) => tags.hash(tag));
    checkNothingIsLost(journal, opened);
    showLedger(opened.ledger);
    runtime.clock.startFrom(opened.ledger.newestAt);
    return new EmbeddedEngine(parts, opened, tags);
  } catch (error) {
    await journal.close();
    throw error;
  }
}

/**
 * Decides which facts follow from a request, commits them to journal and ledger, waits for the disk, answers. Between the
 * decision and the commit nothing else runs; nothing is answered before the disk has it.
 */
class EmbeddedEngine implements Engine {
  readonly catalog: EmbeddedCatalog;
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
  readonly #handover: Handover;
  readonly #log: MessageLog;
  readonly #waiting: WaitingRoom<Taken>;
  /** Polls that came when there was no space to write down what they are given (DUR-3). */
  readonly #starving: WaitingRoom<true>;
  readonly #memories: PollMemories;
  readonly #uses: LastUses;
  readonly #retention: Retention;
  readonly #sweeper: Sweeper;
  readonly #atWork = new VerbsAtWork();
  /** The newest fact committed. */
  #newest: Position = -1;
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
    this.#uses = new LastUses(runtime.clock.now(), ledger, opened.uses);
    this.#housekeeper = new Housekeeper(
      {
        journal,
        clock: runtime.clock,
        log: runtime.log,
        messages: this.#messages,
        uses: this.#uses,
        commit: (facts) => this.#commit(facts),
        settings: settings.housekeeping,
      },
      opened,
    );
    this.#handover = new Handover(journal, this.#messages, this.#receipts);
    this.#log = new MessageLog(ledger, this.#messages, runtime.log, settings.messageLogLevel);
    this.#waiting = new WaitingRoom(waitClocks);
    this.#starving = new WaitingRoom(waitClocks);
    this.catalog = new EmbeddedCatalog(ledger, this.#uses, runtime.clock, (decide) =>
      this.#work(async () => {
        const facts = decide(this.#context());
        if (facts.length > 0) journal.space.check("consuming");
        await this.#journal.synced(this.#commit(facts));
      }),
    );
    const { clock } = runtime;
    this.#retention = new Retention({ clock, ledger, journal, settings, uses: this.#uses });
    this.#memories = new PollMemories(ledger);
    this.#sweeper = new Sweeper({
      clock,
      journal,
      ledger,
      settings,
      memories: this.#memories,
      retention: this.#retention,
      context: () => this.#context(),
      commit: (facts) => this.#commit(facts),
    });
    const lister = new MessageLister({ ledger, journal, messages: this.#messages, clock, settings });
    this.inspection = new EmbeddedInspection(ledger, settings, lister);
    journal.failed.then(
      (cause) => {
        this.#failure = new BrokerError("storage-failed", "The disk failed.", { cause });
        this.#waiting.failAll(this.#failure);
        this.#starving.failAll(this.#failure);
      },
      () => undefined,
    );
    journal.space.onRelief(() => this.#goOn());
    this.#sweeper.setAlarm();
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
      const memory = this.#memories.of(subscription);
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
      if (taken !== undefined) {
        const there = this.#leaveOutLost(request, await taken.handOver());
        // Behind what is lost there may be more.
        return there.length > 0 ? there : this.receive(call, request);
      }
      // DEL-11: also where it finds nothing, a first poll has fixed where the group starts.
      if (memory.startedAt !== undefined) await this.#journal.synced(memory.startedAt);
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
    return this.#atWork.run(async () => {
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
      return taken === undefined ? [] : taken.handOver();
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
    await this.#atWork.finished();
    await beforeClosing();
    await this.#atWork.finished();
    this.#sweeper.stop();
    await this.#housekeeper.stop();
    await this.#journal.close();
  }

  /** Runs a verb, unless the engine stops. */
  #work<Answer>(verb: () => Promise<Answer>): Promise<Answer> {
    if (this.#stopped !== undefined) {
      return Promise.reject(new BrokerError("stopping", "The broker is stopping; nothing was stored."));
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return this.#atWork.run(verb);
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

  readonly #draw = (): number => this.#runtime.random.below(2 ** 32);

  #context(): Context {
    return { moment: this.#moment(), settings: this.#settings, draw: this.#draw };
  }

  /** Adds facts to journal and ledger, and wakes whom they concern. Says how far the disk must be before an answer. */
  #commit(facts: readonly Fact[]): Position {
    if (facts.length === 0) return this.#newest;
    const positions = this.#journal.append(facts);
    for (let index = 0; index < facts.length; index++) this.#apply(facts[index] as Fact, positions[index] ?? 0);
    const position = positions.at(-1) ?? this.#newest;
    this.#newest = position;
    this.#housekeeper.note(position, facts);
    this.#log.note(facts, positions);
    this.#sweeper.setAlarm();
    if (this.#waiting.size > 0) for (const room of roomsWokenBy(facts, this.#ledger)) this.#waiting.wake(room);
    return position;
  }

  #apply(fact: Fact, position: Position): void {
    this.#ledger.apply(fact, position);
    if (fact.kind === "deliveries-given-back") this.#memories.lookAgainAt(fact);
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
    // DUR-3: before anybody makes by use what is declared otherwise.
    this.catalog.goOn();
    this.#sweeper.sweep();
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
    return this.#waiting.wait({ room, shape, waitUpTo, signal, serve: take, isAll: ({ isAll }) => isAll });
  }

  #take(topic: TopicState, subscription: Subscription, request: ReceiveRequest, filter: TagFilter): Taken | undefined {
    if (this.#isStarving) return undefined;
    const context = this.#context();
    const { now } = context.moment;
    this.#dropTooOld(topic, context);
    const memory = this.#memories.of(subscription);
    memory.useFilter(filter, now, this.#settings.filterMemory);
    const isMixed = memory.useSort(request.mode === "ordered", now, this.#settings.filterMemory);
    if (isMixed) this.#log.sayOnce(memory, "subscription.polled-both-ways", subscription);

    const tagSetOf = (...filters: readonly TagFilter[]) => this.#tags.tagSetOf(...filters);
    const poll = { ledger: this.#ledger, topic, subscription, request, filter, memory, tagSetOf, context };
    const decision = request.mode === "ordered" ? decideReceiveOrdered(poll) : decideReceiveConcurrent(poll);
    if (decision.isFull) this.#log.sayOnce(memory, "subscription.full", subscription);
    memory.note(decision, filter, now, topic.queues.length);
    this.#memories.place(memory);
    this.#sweeper.setAlarm();
    const position = this.#commit(decision.facts);
    if (decision.picks.length === 0) return undefined;
    return this.#handover.ofDeliveries(position, topic, subscription.group, decision);
  }

  /** RET-1: before a poll looks, so that it is offered nothing of it. */
  #dropTooOld(topic: TopicState | undefined, context: Context): void {
    if (topic !== undefined) this.#commit(this.#retention.dropFor(topic, context));
  }

  #takeHalf(request: ReceiveHalfRequest): Taken | undefined {
    if (this.#isStarving) return undefined;
    const offers = decideReceiveHalf(this.#ledger, request, this.#context());
    const position = this.#commit(offers.map(({ fact }) => fact));
    if (offers.length === 0) return undefined;
    return this.#handover.ofHalf(position, offers);
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

  #transactionHandleOf(facts: readonly Fact[]): Omit<PublishReceipt, "messageId"> {
    const stored = facts.find((fact): fact is HalfMessageStored => fact.kind === "half-message-stored");
    if (stored === undefined) return {};
    return { transactionHandle: this.#handover.transactionHandle(stored) };
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
}
