import type { GroupRef, TopicRef } from "../../domain/names.ts";
import type { DurationMs, EpochMs } from "../../domain/time.ts";
import type { AppliedFact, Id, Position, WallClockStepped } from "../journal/fact.ts";
import type { Agenda } from "./agenda.ts";
import type { Ages } from "./ages.ts";
import { applyFact } from "./apply-fact.ts";
import { Capture, SLICE_BYTES } from "./capture.ts";
import type { DelayedMessages } from "./delayed-messages.ts";
import type { HalfMessage } from "./half-messages.ts";
import { Holdings, nameOfGroup, nameOfTopic, type Timed } from "./holdings.ts";
import { restorePiece, settleRestored } from "./restore-piece.ts";
import { type KeptUse, readPieces } from "./snapshot-pieces.ts";
import type { Outstanding, Subscription } from "./subscription.ts";
import type { TagHash } from "./tag-set.ts";
import type { GroupState, TopicState } from "./topic-state.ts";

export type { GroupState, TopicState } from "./topic-state.ts";

/** What the ledger must know of the settings, to say what is exhausted and what is abandoned. */
export interface LedgerSettings {
  readonly maxRetries: number;
  readonly onExhausted: "dead-letter" | "block";
  readonly checkFor: DurationMs;
}

/** The sum of the facts, in memory. `apply` is the only way it changes; everything else here reads. */
export class Ledger {
  readonly #settings: LedgerSettings;
  readonly #holdings: Holdings;
  readonly delayed: DelayedMessages;
  readonly agenda: Agenda<Timed>;
  /** Where the next sweep finds exhausted deliveries and half messages to abandon. */
  readonly toSweep: ReadonlySet<Timed>;
  /** What grows too old next (RET-1). */
  readonly ages: Ages;
  /** Under way. */
  #capture: Capture | undefined;
  #captures = 0;

  constructor(settings: LedgerSettings, hashTag: (tag: string) => TagHash) {
    this.#settings = settings;
    const isExhausted = (outstanding: Outstanding): boolean => this.isExhausted(outstanding);
    this.#holdings = new Holdings({ checkFor: settings.checkFor, hashTag, isExhausted });
    this.delayed = this.#holdings.delayed;
    this.agenda = this.#holdings.agenda;
    this.toSweep = this.#holdings.toSweep;
    this.ages = this.#holdings.ages;
  }

  /** The newest step of the wall clock (TIM-2). */
  get wallClockStep(): Omit<WallClockStepped, "kind"> | undefined {
    return this.#holdings.wallClockStep;
  }

  /** The newest instant that any fact has seen (TIM-1). */
  get newestAt(): EpochMs {
    return this.#holdings.newestAt;
  }

  /** The number that the next topic, group or waiting message gets. */
  get nextId(): Id {
    return this.#holdings.lastId + 1;
  }

  topic(ref: TopicRef): TopicState | undefined {
    return this.#holdings.topics.named(nameOfTopic(ref));
  }

  topicById(id: Id): TopicState | undefined {
    return this.#holdings.topics.get(id);
  }

  topics(): Iterable<TopicState> {
    return this.#holdings.topics.all();
  }

  groups(): Iterable<GroupState> {
    return this.#holdings.groups.all();
  }

  group(ref: GroupRef): GroupState | undefined {
    return this.#holdings.groups.named(nameOfGroup(ref));
  }

  groupById(id: Id): GroupState | undefined {
    return this.#holdings.groups.get(id);
  }

  subscription(topic: Id, group: Id): Subscription | undefined {
    return this.topicById(topic)?.subscriptions.get(group);
  }

  half(topic: Id, id: Id): HalfMessage | undefined {
    return this.topicById(topic)?.half.get(id);
  }

  /** DEL-9: deliveries that a message may have in this subscription. */
  maxAttempts(topic: Id, group: Id): number {
    if (this.topicById(topic)?.isDeadLetterTopic) return Number.POSITIVE_INFINITY; // DLQ-4
    return (this.groupById(group)?.settings.maxRetries ?? this.#settings.maxRetries) + 1;
  }

  /** ORD-6: whether a message without retries left comes again for ever. */
  blocksWhenExhausted(group: Id): boolean {
    return (this.groupById(group)?.settings.onExhausted ?? this.#settings.onExhausted) === "block";
  }

  isExhausted(outstanding: Outstanding): boolean {
    const { topic, group } = outstanding.subscription;
    return outstanding.attempt >= this.maxAttempts(topic, group) && !this.blocksWhenExhausted(group);
  }

  /** Passes the time up to `now`; hands over to whom something came due. Changes no answer, only where it is found. */
  settle(now: EpochMs, cameDue: (owner: Timed) => void): void {
    for (const owner of this.agenda.due(now)) {
      owner.settle(now);
      this.#holdings.place(owner);
      cameDue(owner);
    }
  }

  /** Adds one fact, which stands at `position` of the journal. */
  apply(fact: AppliedFact, position: Position): void {
    this.#capture?.before(fact);
    applyFact(this.#holdings, fact, position);
    this.#capture?.after(fact);
  }

  /**
   * Begins to write the ledger down as it stands now. One at a time; facts may go on being applied until its `end`. The
   * `uses` are not the ledger's own: they are read last, and go along.
   */
  capture({ sliceBytes = SLICE_BYTES, uses = [] }: { sliceBytes?: number; uses?: Iterable<KeptUse> } = {}): {
    readonly slices: Iterable<Uint8Array>;
    readonly end: () => void;
  } {
    if (this.#capture !== undefined) throw new Error("the ledger is being written down already");
    this.#captures += 1;
    const capture = new Capture({ number: this.#captures, sliceBytes, uses }, this);
    this.#capture = capture;
    const end = (): void => {
      if (this.#capture === capture) this.#capture = undefined;
    };
    return { slices: capture.slices(), end };
  }

  /** The ledger that was written down; hands over the uses that went along. */
  static async restore(
    settings: LedgerSettings,
    hashTag: (tag: string) => TagHash,
    slices: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    seeUse: (use: KeptUse) => void = () => {},
  ): Promise<Ledger> {
    const ledger = new Ledger(settings, hashTag);
    for await (const slice of slices) {
      for (const [name, piece] of readPieces(slice)) {
        if (name === "use") seeUse(piece);
        else restorePiece(ledger.#holdings, name, piece);
      }
    }
    settleRestored(ledger.#holdings);
    return ledger;
  }
}
