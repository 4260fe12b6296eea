import type { EpochMs } from "../../../src/domain/time.ts";
import type { Delivery, HandleOutcome } from "../../../src/engine/engine.ts";
import { aged, canBeOffered, ended, type HalfState, offered, offerGivenBack, unasked } from "./half-states.ts";
import type { ModelMessage } from "./model-message.ts";
import { type ModelWorld, unique } from "./model-world.ts";
import { violated } from "./violation.ts";

export type Outcome = "committed" | "rolled-back";

/** Half messages: when they are asked about, and what ends them (TX). */
export class HalfJudge {
  readonly #world: ModelWorld;

  constructor(world: ModelWorld) {
    this.#world = world;
  }

  /** Half messages were offered, with what was decided at `decidedFrom` or later. */
  offered(topic: string, deliveries: readonly Delivery[], decidedFrom: EpochMs): void {
    for (const delivery of deliveries) this.#offer(topic, delivery, decidedFrom);
    const owed = deliveries.length > 0 ? undefined : this.#owed(topic);
    if (owed !== undefined) violated("TX-3", `no check of ${owed.name} although it was due`);
  }

  #offer(topic: string, delivery: Delivery, decidedFrom: EpochMs): void {
    const { handle, attempt: check, visibleAgainAt: until, firstDeliveredAt: firstCheckedAt } = delivery;
    const message = this.#world.find(topic, delivery.message.body);
    if (message?.half === undefined) violated("C2", `${delivery.message.body} is no half message`);
    const at = until - this.#world.settings.halfInvisibleFor;
    if (at < decidedFrom || at > this.#now) violated("TX-3", `the check of ${message.name} ends at ${until}`);
    const after = message.half.flatMap((state) => offered(state, { check, handle, at, until, firstCheckedAt }) ?? []);
    if (after.length === 0) {
      violated("TX-3", `check ${check} of ${message.name} cannot follow ${JSON.stringify(message.half)}`);
    }
    message.isCertain = true;
    message.half = after;
    message.visible = "no";
    this.#world.rouse(message);
    if (this.#world.handles.has(handle)) violated("TX-3", `a handle of ${message.name} came twice`);
    this.#world.handles.set(handle, { of: message, until });
  }

  offerLost(topic: string): void {
    const [at, until] = [this.#now, this.#now + this.#world.settings.halfInvisibleFor];
    for (const message of this.#world.of(topic)) {
      const more = (message.half ?? []).flatMap((state) => {
        if (state.kind !== "open") return [];
        const firstCheckedAt = state.firstCheckedAt ?? at;
        return offered(state, { check: state.checks + 1, handle: undefined, at, until, firstCheckedAt }) ?? [];
      });
      if (more.length > 0) this.#addWorlds(message, more);
    }
  }

  #owed(topic: string): ModelMessage | undefined {
    if (this.#world.mayStarve) return undefined;
    return this.#world
      .of(topic)
      .find(({ isCertain, half }) => isCertain && half?.every((state) => canBeOffered(state, this.#now)));
  }

  ended(outcomes: readonly HandleOutcome[], outcome: Outcome): void {
    for (const { handle, refusal } of outcomes) {
      const known = this.#world.handles.get(handle);
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
      this.#world.rouse(of);
      this.#world.step += 1;
      this.#world.reveal(of, { step: this.#world.step, deliverAt: 0 });
    }
  }

  endLost(handles: readonly string[], outcome: Outcome): void {
    for (const handle of handles) {
      const known = this.#world.handles.get(handle);
      if (known?.of.half === undefined || known.group !== undefined) continue;
      const { of, until } = known;
      this.#addWorlds(
        of,
        known.of.half.map((state) => ended(state, { handle, until }, outcome, this.#now).state),
      );
      this.#world.reveal(of, { step: this.#world.step, deliverAt: 0 });
    }
  }

  /** DEL-8, for a handle of a check. */
  gaveBack(handle: string, of: ModelMessage, isConfirmed: boolean): void {
    const before = of.half ?? [];
    const after = before.map((state) => offerGivenBack(state, handle, this.#world.settings.giveBacksBeforeDelivery));
    of.half = unique(isConfirmed ? after : [...before, ...after]);
    this.#world.rouse(of);
  }

  /** TX-6. */
  age(message: ModelMessage): void {
    const { settings, rests } = this.#world;
    if (message.half === undefined || rests === "surely") return;
    const after = message.half.map((state) => aged(state, this.#now, settings.checkFor));
    const isOld = this.#world.hasAged(message, message.publishedAt);
    const forgotten = isOld ? after.flatMap((state) => unasked(state, this.#now)) : [];
    const before = rests === "perhaps" ? message.half : [];
    message.half = unique([...before, ...after, ...forgotten]);
  }

  /** Where the clock begins earlier than it ended, what was abandoned at the end may be open once more. */
  rejuvenate(message: ModelMessage): void {
    message.half = message.half?.flatMap((state): readonly HalfState[] => {
      const isOpenAgain =
        state.kind === "abandoned" && aged(state.after, this.#now, this.#world.settings.checkFor) === state.after;
      return isOpenAgain ? [state, state.after] : [state];
    });
  }

  #addWorlds(message: ModelMessage, more: readonly HalfState[]): void {
    message.half = unique([...(message.half ?? []), ...more]);
    this.#world.rouse(message);
  }

  get #now(): EpochMs {
    return this.#world.now;
  }
}
