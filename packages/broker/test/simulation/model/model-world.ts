import type { DurationMs, EpochMs } from "../../../src/domain/time.ts";
import { type DeliveryState, isOver, READY } from "./delivery-states.ts";
import { ModelMessage, type Place } from "./model-message.ts";
import { SizeLimit } from "./size-limit.ts";
import { violated } from "./violation.ts";

/** The settings of which the model knows; the times are those of the rules, shortened. */
export interface ModelSettings {
  readonly invisibleFor: DurationMs;
  readonly orderedInvisibleFor: DurationMs;
  readonly halfInvisibleFor: DurationMs;
  readonly blockedInvisibleFor: DurationMs;
  readonly giveBacksBeforeDelivery: number;
  readonly filterMemory: DurationMs;
  readonly checkFor: DurationMs;
  readonly checkRounding: DurationMs;
  /** RET-1. */
  readonly retentionAge: DurationMs;
  readonly retentionBytes: number | undefined;
  /** TIM-2. */
  readonly ageRestsFor: DurationMs;
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

export interface Time {
  readonly now: EpochMs;
  readonly wall: EpochMs;
}

export interface KnownHandle {
  readonly of: ModelMessage;
  /** Unset: of a half message. */
  readonly group?: string;
  readonly until: EpochMs;
}

/** Every message there may be, where it may stand, and the time. Judges nothing. */
export class ModelWorld {
  settings: ModelSettings;
  now: EpochMs = 0;
  wall: EpochMs = 0;
  /** The latest hour that the wall clock has ever shown, and since it was last set back. */
  #latestWall: EpochMs = 0;
  #latestSinceSetBack: EpochMs = 0;
  /** TIM-2: until then what is too old stays, surely, and perhaps. */
  #restsUntil: EpochMs = 0;
  #mayRestUntil: EpochMs = 0;
  /** DUR-3: the disk may be full, so that polls find nothing. */
  mayStarve = false;
  /** DUR-2: the disk may have failed, so that what comes due is not written down before the next start. */
  mayHaveFailed = false;
  /** Orders what becomes visible. */
  step = 0;
  readonly queues: ReadonlyMap<string, number>;
  readonly sizeLimit: SizeLimit;
  readonly handles = new Map<string, KnownHandle>();
  readonly #groups = new Map<string, ModelGroup>();
  readonly #byTopic = new Map<string, ModelMessage[]>();
  readonly #byBody = new Map<string, ModelMessage>();
  /** What is not over for a group, of as many messages of the topic as were looked at. */
  readonly #open = new Map<string, { seen: number; readonly messages: Set<ModelMessage> }>();
  /** Those that time may change. */
  readonly #restless = new Set<ModelMessage>();

  constructor(settings: ModelSettings, queues: ReadonlyMap<string, number>, groups: readonly ModelGroup[]) {
    this.settings = settings;
    this.queues = queues;
    this.sizeLimit = new SizeLimit(settings.retentionBytes);
    for (const group of groups) this.#groups.set(group.name, group);
  }

  group(name: string): ModelGroup {
    return this.#groups.get(name) ?? violated("model", `no group ${name}`);
  }

  // --- time

  moveTo({ now, wall }: Time): void {
    if (wall < this.wall) this.#noteSetBack(wall);
    this.now = now;
    this.wall = wall;
    this.#latestWall = Math.max(this.#latestWall, wall);
    this.#latestSinceSetBack = Math.max(this.#latestSinceSetBack, wall);
  }

  /** RET-1: what an hour that is shown no more made too old may be gone; what is published from here on may not. */
  #noteSetBack(to: EpochMs): void {
    const isTold = this.wall - to > TOLD_STEP;
    for (const message of this.all()) {
      message.shownBefore = Math.max(message.shownBefore, this.#latestSinceSetBack);
      // From a told step on it may count as visible since then, or it would stay until that hour comes again.
      if (isTold) message.visibleFrom = Math.min(message.visibleFrom, to);
    }
    this.#latestSinceSetBack = 0;
  }

  /** TIM-2: the wall clock was moved, and the broker has had the time to see it. */
  noteStep(by: DurationMs): void {
    if (Math.abs(by) <= TOLD_STEP) return;
    this.#restsUntil = this.now + this.settings.ageRestsFor;
    this.#mayRestUntil = this.#restsUntil + NOTICED_WITHIN;
  }

  /** A step that was not written down before a crash is forgotten. */
  forgetStep(): void {
    this.#restsUntil = 0;
  }

  get rests(): "surely" | "perhaps" | "no" {
    if (this.now < this.#restsUntil) return "surely";
    return this.now <= this.#mayRestUntil ? "perhaps" : "no";
  }

  get restEnds(): readonly EpochMs[] {
    return [this.#restsUntil, this.#mayRestUntil + 1];
  }

  // --- messages

  add(message: ModelMessage): void {
    const messages = this.#byTopic.get(message.topic);
    if (messages === undefined) this.#byTopic.set(message.topic, [message]);
    else messages.push(message);
    this.#byBody.set(`${message.topic} ${message.message.body}`, message);
    this.rouse(message);
  }

  find(topic: string, body: string): ModelMessage | undefined {
    return this.#byBody.get(`${topic} ${body}`);
  }

  of(topic: string): readonly ModelMessage[] {
    return this.#byTopic.get(topic) ?? [];
  }

  *all(): Generator<ModelMessage> {
    for (const messages of this.#byTopic.values()) yield* messages;
  }

  // --- what time may change

  /** Something has happened to it: time must be asked again. */
  rouse(message: ModelMessage): void {
    message.calmUntil = 0;
    this.#restless.add(message);
  }

  calm(message: ModelMessage): void {
    this.#restless.delete(message);
  }

  restless(): readonly ModelMessage[] {
    return [...this.#restless];
  }

  // --- where messages stand

  statesOf(message: ModelMessage, group: string): readonly DeliveryState[] {
    return message.states.get(group) ?? UNTOUCHED;
  }

  setStates(message: ModelMessage, group: string, states: readonly DeliveryState[]): void {
    const worlds = unique(states);
    message.states.set(group, worlds);
    const open = this.#open.get(`${message.topic} ${group}`);
    if (worlds.every(isOver)) open?.messages.delete(message);
    else open?.messages.add(message);
    if (worlds.some(({ kind }) => kind === "delivered")) this.rouse(message);
    if (worlds.some(({ kind }) => kind === "dead")) this.#bury(message, group, worlds);
  }

  /** What the group may still be given, or has in flight. */
  mayHave(topic: string, group: string, queue?: number): readonly ModelMessage[] {
    const key = `${topic} ${group}`;
    let open = this.#open.get(key);
    if (open === undefined) {
      open = { seen: 0, messages: new Set() };
      this.#open.set(key, open);
    }
    const all = this.of(topic);
    for (; open.seen < all.length; open.seen++) {
      const message = all[open.seen] as ModelMessage;
      if (!this.statesOf(message, group).every(isOver)) open.messages.add(message);
    }
    const there: ModelMessage[] = [];
    for (const message of open.messages) {
      const isHere = queue === undefined || message.queue === queue;
      if (isHere && message.visible !== "no" && !message.isAbsent) there.push(message);
    }
    return there;
  }

  /** Whether it is so in every world that is left. */
  surely(message: ModelMessage, group: string, is: (state: DeliveryState) => boolean): boolean {
    if (!message.isCertain || message.visible !== "yes" || this.mayBeGone(message)) return false;
    for (const state of this.statesOf(message, group)) if (!is(state)) return false;
    return true;
  }

  /** Somebody has seen it, so it is there. */
  makeCertain(message: ModelMessage): void {
    message.isCertain = true;
    const { origin } = message;
    if (origin !== undefined) {
      const states = this.statesOf(origin.from, origin.group).filter(({ kind }) => kind === "dead");
      this.setStates(origin.from, origin.group, states);
      this.makeCertain(origin.from);
    } else if (message.visible === "maybe") {
      message.half = message.half?.filter(({ kind }) => kind === "committed");
      message.visible = "yes";
    }
  }

  /** DLY-1, TX-2: whether it is visible now, and from which place on. */
  reveal(message: ModelMessage, place: Place): void {
    const { deliverAt, half } = message;
    if (deliverAt !== undefined && this.wall < deliverAt) return;
    const committed = (half ?? []).filter(({ kind }) => kind === "committed").length;
    const all = half?.length ?? 0;
    const isSure = committed === all && message.lateUntil <= this.now;
    const visible = isSure ? "yes" : committed > 0 || committed === all ? "maybe" : "no";
    if (message.visible === "no" && visible === "yes") message.place = place;
    if (visible !== "no") this.#startRetention(message, visible === "yes");
    message.visible = visible;
  }

  // --- retention

  /** RET-1: not to be offered whatever is still there. */
  isTooOld({ visibleBy }: ModelMessage): boolean {
    return this.rests === "no" && visibleBy + this.settings.retentionAge < this.wall;
  }

  /** RET-1: it was too old, or too much, at some time. */
  mayBeGone(message: ModelMessage): boolean {
    return this.hasAged(message, message.visibleFrom) || this.sizeLimit.mayBeGone(message);
  }

  /** Whether the wall clock has shown, since the message is there, an hour at which what is dated so was too old. */
  hasAged({ shownBefore }: ModelMessage, date: EpochMs): boolean {
    return date + this.settings.retentionAge <= Math.max(shownBefore, this.#latestSinceSetBack);
  }

  #startRetention(message: ModelMessage, isSure: boolean): void {
    this.sizeLimit.joined(message);
    message.visibleFrom = Math.min(message.visibleFrom, message.deliverAt ?? message.publishedAt, this.wall);
    // It never counts as visible before those in front of it, which a later hour of the wall clock may have shown.
    const isWritten = isSure && !this.mayStarve && !this.mayHaveFailed;
    if (isWritten) message.visibleBy = Math.min(message.visibleBy, this.#latestWall + SWEPT_WITHIN);
  }

  /** DLQ-1: the same message, on the group's dead-letter topic. */
  #bury(from: ModelMessage, group: string, worlds: readonly DeliveryState[]): void {
    const topic = `%DLQ%${group}`;
    let dead = this.find(topic, from.message.body);
    if (dead === undefined) {
      dead = new ModelMessage(topic, 0, from.message, from.publishedAt);
      dead.messageId = from.messageId;
      dead.visible = "yes";
      dead.origin = { from, group };
      dead.shownBefore = from.shownBefore;
      this.add(dead);
    }
    // RET-1.3: dropped before it died, it never came here.
    if (!dead.isCertain && this.sizeLimit.mayBeGone(from)) this.sizeLimit.letGo(dead);
    if (worlds.every(({ kind }) => kind === "dead")) dead.isCertain = true;
    this.#startRetention(dead, dead.isCertain);
  }
}

/** TIM-2: only larger steps are told. */
const TOLD_STEP: DurationMs = 600_000;
/** A step is seen at the next look at the clock, whenever that is. */
const NOTICED_WITHIN: DurationMs = 400_000;
/** What came due is written down by then (DLY-1, DEL-9). */
const SWEPT_WITHIN: DurationMs = 1_000;
const UNTOUCHED: readonly DeliveryState[] = [READY];

export function unique<State>(states: readonly State[]): readonly State[] {
  if (states.length < 2 || (states.length === 2 && states[0] === states[1])) return states.slice(0, 1);
  return [...new Map(states.map((state) => [JSON.stringify(state), state])).values()];
}
