import type { Message, PublishIntent } from "../../../src/domain/message.ts";
import type { DurationMs, EpochMs } from "../../../src/domain/time.ts";
import type { PublishReceipt } from "../../../src/engine/engine.ts";
import { DeliveryJudge } from "./delivery-judge.ts";
import { isOver, PASSED_OVER, READY } from "./delivery-states.ts";
import { HalfJudge } from "./half-judge.ts";
import { ModelMessage, shard } from "./model-message.ts";
import { type ModelGroup, type ModelSettings, ModelWorld, type Time } from "./model-world.ts";
import { violated } from "./violation.ts";

/** How a new uptime begins. */
export interface Restart {
  readonly settings: ModelSettings;
  /** The end of the journal, before anything was added to it. */
  readonly replayedTo: number;
  readonly mayHaveFailed?: boolean;
}

/**
 * What clients may see, written from the rules alone: plain, and without a line of the engine. Each answer is judged when it
 * comes; what was under way at a crash may have happened or not, and everything else is held to the letter.
 */
export class ReferenceModel {
  readonly deliveries: DeliveryJudge;
  readonly halves: HalfJudge;
  readonly #world: ModelWorld;
  readonly #messageIds = new Set<string>();
  #stepped: DurationMs = 0;

  constructor(settings: ModelSettings, queues: ReadonlyMap<string, number>, groups: readonly ModelGroup[]) {
    this.#world = new ModelWorld(settings, queues, groups);
    this.deliveries = new DeliveryJudge(this.#world);
    this.halves = new HalfJudge(this.#world);
  }

  group(name: string): ModelGroup {
    return this.#world.group(name);
  }

  // --- time

  /** The wall clock was moved by so much. */
  stepped(by: DurationMs): void {
    this.#stepped = by;
  }

  /** DUR-3: from now on, or no longer, the disk may be full. */
  starve(mayStarve: boolean): void {
    this.#world.mayStarve = mayStarve;
  }

  /** DUR-2: from now on the disk may have failed, until the next start. */
  fail(): void {
    this.#world.mayHaveFailed = true;
  }

  /** Time has passed: what is due is visible, exhausted or abandoned, and whoever waits must have been served. */
  tick({ now, wall }: Time): void {
    const world = this.#world;
    if (now < world.now) violated("TIM-1", `now() went back by ${world.now - now} ms`);
    const wallMovedBy = wall - world.wall - (now - world.now);
    world.moveTo({ now, wall });
    world.step += 1;
    world.noteStep(this.#stepped);
    this.#stepped = 0;
    for (const message of world.restless()) {
      if (wallMovedBy === 0 && now < message.calmUntil) continue;
      const { deliverAt } = message;
      if (wallMovedBy > 0 && deliverAt !== undefined && wall >= deliverAt) message.lateUntil ||= now + 1_000;
      this.#age(message);
    }
    this.deliveries.tick();
    world.sizeLimit.settled(now, !world.mayStarve && !world.mayHaveFailed);
  }

  /** How long the journal is. Before answers are judged, as what they tell may have been dropped for it (RET-1). */
  noteExtent(extent: { readonly from: number; readonly to: number }): void {
    this.#world.sizeLimit.noteExtent(extent, this.#world.all());
  }

  /** RET-1: what may not be dropped may leave no room. */
  get mayRefuse(): boolean {
    return this.#world.sizeLimit.mayRefuse;
  }

  /** A new uptime. Its clock begins at the later of the wall clock and the newest instant in the journal (TIM-1). */
  restarted({ now, wall }: Time, { settings, replayedTo, mayHaveFailed = false }: Restart): void {
    const world = this.#world;
    world.sizeLimit.restarted(replayedTo);
    this.deliveries.restarted();
    world.settings = settings;
    world.mayHaveFailed = mayHaveFailed;
    const isEarlier = now < world.now || wall < world.wall;
    world.moveTo({ now, wall });
    world.noteStep(this.#stepped);
    this.#stepped = 0;
    world.forgetStep();
    if (isEarlier) for (const message of [...world.all()]) this.#rejuvenate(message);
    for (const message of world.restless()) world.rouse(message);
    this.tick({ now, wall });
  }

  /** Where the clock begins earlier than it ended, what came due at the end may be written down or be due once more. */
  #rejuvenate(message: ModelMessage): void {
    if (message.deliverAt !== undefined && message.deliverAt > this.#world.wall && message.visible === "yes") {
      message.visible = "maybe";
      message.place = undefined;
      message.visibleBy = Number.POSITIVE_INFINITY;
      this.#world.sizeLimit.mayJoinAgain(message);
    }
    this.halves.rejuvenate(message);
    this.deliveries.rejuvenate(message);
    this.#world.rouse(message);
  }

  /** The instants after now at which something may be answered. */
  nextInstant(): EpochMs {
    let next = this.deliveries.nextEnd();
    for (const { calmUntil } of this.#world.restless()) {
      if (calmUntil > this.#world.now && calmUntil < next) next = calmUntil;
    }
    return next;
  }

  #age(message: ModelMessage): void {
    const world = this.#world;
    world.calm(message);
    if (message.isAbsent) return;
    this.halves.age(message);
    if (message.visible !== "yes") world.reveal(message, { step: world.step, deliverAt: message.deliverAt ?? 0 });
    this.deliveries.age(message);
    const next = this.#nextChange(message);
    if (next === Number.POSITIVE_INFINITY) return;
    world.rouse(message);
    message.calmUntil = next;
  }

  /** When time may change it next; never, where it may not. */
  #nextChange({ publishedAt, visible, deliverAt, lateUntil, half, states }: ModelMessage): EpochMs {
    const { now, wall, settings } = this.#world;
    let next = Number.POSITIVE_INFINITY;
    const consider = (at: EpochMs): void => {
      if (at > now && at < next) next = at;
    };
    const mayCome = half?.some(({ kind }) => kind === "open" || kind === "committed") ?? true;
    if (visible !== "yes" && mayCome) {
      if (deliverAt !== undefined) consider(now + deliverAt - wall);
      consider(lateUntil);
    }
    for (const state of half ?? []) {
      if (state.kind !== "open") continue;
      consider(state.until);
      consider(now + publishedAt + settings.retentionAge - wall);
      if (state.firstCheckedAt !== undefined) consider(state.firstCheckedAt + settings.checkFor);
      for (const at of this.#world.restEnds) consider(at);
    }
    for (const worlds of states.values()) {
      for (const state of worlds) if (state.kind === "delivered") consider(state.until);
    }
    return next;
  }

  // --- publishing

  /** A message that is on its way; what becomes of it is said by one of the next three. */
  publishing(topic: string, message: Message, intent: PublishIntent): ModelMessage {
    const { now, wall, queues, settings } = this.#world;
    const count = queues.get(topic) ?? 1;
    const key = "shardingKey" in intent ? (intent.shardingKey ?? "") : "";
    const made = new ModelMessage(topic, count === 1 ? 0 : shard(key, count), message, wall);
    if ("deliverAt" in intent) made.deliverAt = intent.deliverAt;
    if (intent.kind === "transactional") {
      const { checkRounding } = settings;
      const until = Math.ceil((now + intent.firstCheckAfter) / checkRounding) * checkRounding;
      const open = { kind: "open", checks: 0, handle: undefined, until, firstCheckedAt: undefined } as const;
      made.half = [{ ...open, giveBacks: 0, before: undefined }];
    }
    this.#world.add(made);
    return made;
  }

  published(made: ModelMessage, receipt: PublishReceipt): void {
    if (this.#messageIds.has(receipt.messageId)) violated("PUB-3", `the message id ${receipt.messageId} came twice`);
    this.#messageIds.add(receipt.messageId);
    made.messageId = receipt.messageId;
    made.isCertain = true;
    const { transactionHandle } = receipt;
    if (made.half !== undefined) {
      const [state] = made.half;
      if (transactionHandle === undefined || state?.kind !== "open") violated("TX-1", `no handle for ${made.name}`);
      made.half = [{ ...state, handle: transactionHandle }];
      this.#world.handles.set(transactionHandle, { of: made, until: state.until });
    }
    this.publishLost(made);
  }

  /** Its answer never came, or said that nobody can know. */
  publishLost(made: ModelMessage): void {
    this.#world.step += 1;
    this.#world.reveal(made, { step: this.#world.step, deliverAt: 0 });
    this.#world.rouse(made);
  }

  publishRefused(made: ModelMessage): void {
    made.isAbsent = true;
  }

  // --- give-backs of both sorts

  gaveBack(handles: readonly string[], isConfirmed: boolean): void {
    for (const handle of handles) {
      const known = this.#world.handles.get(handle);
      if (known === undefined) continue;
      if (known.group === undefined) this.halves.gaveBack(handle, known.of, isConfirmed);
      else this.deliveries.gaveBack(handle, known.of, known.group, isConfirmed);
    }
  }

  // --- groups

  /** DEL-11: a declared group starts at what becomes visible from then on. */
  groupDeclared(group: ModelGroup, isConfirmed: boolean): void {
    if (group.from === "undeclared") this.#startGroup(group, isConfirmed);
    // Other retries count for what is due.
    for (const message of this.#world.all()) if (message.states.has(group.name)) this.#world.rouse(message);
  }

  #startGroup(group: ModelGroup, isConfirmed: boolean): void {
    for (const message of this.#world.all()) {
      if (message.visible === "no" || message.topic.startsWith("%DLQ%")) continue;
      const isBehind =
        isConfirmed &&
        group.mayBeDeclared !== true &&
        message.visible === "yes" &&
        message.isCertain &&
        !message.states.has(group.name);
      this.#world.setStates(message, group.name, isBehind ? [PASSED_OVER] : [READY, PASSED_OVER]);
    }
    if (isConfirmed) group.from = "latest";
    else group.mayBeDeclared = true;
  }

  // --- what the workload may ask

  /** GRP-1: made by use, and without a message for as long as the retention. */
  mayBeForgotten(topic: string): boolean {
    return topic.startsWith("%DLQ%") && this.#world.of(topic).every((message) => this.#world.mayBeGone(message));
  }

  hasDelayed(): boolean {
    return this.#world.restless().some(({ deliverAt, visible }) => deliverAt !== undefined && visible === "no");
  }

  /** Sorts what several waiting polls were given at one instant. */
  placeOf(topic: string, body: string | undefined): number {
    const place = body === undefined ? undefined : this.#world.find(topic, body)?.place;
    return (place?.step ?? 0) * 2 ** 10 + (place?.deliverAt ?? 0) / 2 ** 42;
  }

  /** What healthy consumers would still have to be given. */
  unfinished(groups: readonly string[]): readonly { readonly topic: string; readonly group: string; name: string }[] {
    const left: { topic: string; group: string; name: string }[] = [];
    for (const message of this.#world.all()) {
      if (message.isAbsent || !message.isCertain || message.visible !== "yes") continue;
      if (this.#world.mayBeGone(message)) continue;
      for (const group of message.origin === undefined ? groups : [message.origin.group]) {
        if (!groups.includes(group) || this.#world.statesOf(message, group).some(isOver)) continue;
        left.push({ topic: message.topic, group, name: message.name });
      }
    }
    return left;
  }
}
