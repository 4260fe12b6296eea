import type { Delivery } from "../../../src/engine/engine.ts";
import type { PollRequest } from "../model/delivery-judge.ts";
import type { Conversation } from "./conversation.ts";
import { groupRef, topicRef } from "./topics.ts";

export interface Held {
  readonly topic: string;
  readonly group: string;
  readonly delivery: Delivery;
  readonly batch: Batch;
}

/** What one answer held, to see how batches end. */
interface Batch {
  readonly ordered: boolean;
  acknowledged: number;
}

const KEPT = 60;

/** Poll plainly and in order, acknowledge in time and too late, give back, hang up. */
export class Consumers {
  readonly #talk: Conversation;
  readonly #groups: readonly string[];
  readonly #usesTags: boolean;
  #held: Held[] = [];
  readonly #hangUps: AbortController[] = [];
  readonly #batches = new Map<string, Batch>();

  constructor(talk: Conversation, groups: readonly string[], usesTags: boolean) {
    this.#talk = talk;
    this.#groups = groups;
    this.#usesTags = usesTags;
  }

  // --- polls

  /** `dead` stands for the dead-letter topic of whichever group polls. */
  receive(from: string, ordered: boolean, waitUpTo = 0): void {
    const { dice, model, now } = this.#talk;
    const group = dice.pick(this.#groups);
    if (model.group(group).from === "undeclared") return;
    const topic = from === "dead" ? `%DLQ%${group}` : from;
    const tags = this.#usesTags && from !== "dead" ? dice.pick([[], [], ["a"], ["a", "b"], ["c"]]) : [];
    this.#receive({ topic, group, ordered, tags, max: 1 + dice.below(8), askedAt: now, waitUpTo });
  }

  receiveAll(topic: string, group: string, ordered: boolean): void {
    this.#receive({ topic, group, ordered, tags: [], max: 16, askedAt: this.#talk.now, waitUpTo: 0 });
  }

  #receive(poll: PollRequest): void {
    const { topic, group, ordered, tags, max, waitUpTo } = poll;
    const { model, engine, history } = this.#talk;
    const waits = waitUpTo > 0;
    const hangUp = waits ? new AbortController() : undefined;
    if (hangUp !== undefined) {
      this.#hangUps.push(hangUp);
      model.deliveries.waits(poll);
    }
    const received = engine.receive(this.#talk.call(hangUp?.signal), {
      topic: topicRef(topic),
      group: groupRef(group),
      mode: ordered ? "ordered" : "concurrent",
      tags: tags.length === 0 ? "*" : tags.join("||"),
      maxMessages: max,
      waitUpTo,
    });
    const sort = ordered ? "in order" : "plainly";
    this.#talk.ask(`receive ${sort} ${max} of ${topic} as ${group} [${tags}] waiting ${waitUpTo}`, received, {
      answered: (deliveries) => {
        const isSentAway = hangUp?.signal.aborted === true || this.#talk.isStopping;
        if (isSentAway && deliveries.length === 0) {
          model.deliveries.receiveLost(poll);
          return;
        }
        model.deliveries.received(poll, deliveries, this.#talk.settledAt);
        this.#hold(poll, deliveries);
        if (waits && deliveries.length > 0) history.met("poll served while it waited");
      },
      lost: () => model.deliveries.receiveLost(poll),
      refused: () => model.deliveries.receiveLost(poll),
      ...(waits ? { placeOf: (deliveries) => model.placeOf(topic, deliveries[0]?.message.body) } : {}),
    });
  }

  #hold({ topic, group, ordered }: PollRequest, deliveries: readonly Delivery[]): void {
    const { history } = this.#talk;
    const batch: Batch = { ordered, acknowledged: 0 };
    for (const delivery of deliveries) {
      const key = `${group} ${delivery.messageId}`;
      const known = this.#batches.get(key);
      if (known?.ordered && ordered && known.acknowledged > 0 && delivery.attempt > 1) {
        history.met("batch acknowledged in part, then expired");
      }
      this.#batches.set(key, batch);
      this.#held.push({ topic, group, delivery, batch });
      if (topic.startsWith("%DLQ%")) history.met("message dead-lettered");
    }
    if (this.#held.length > 2 * KEPT) this.#held = this.#held.slice(-KEPT);
  }

  hangUp(): void {
    this.#hangUps[this.#talk.dice.below(Math.max(1, this.#hangUps.length))]?.abort();
  }

  /** The broker is gone: nobody waits for it any more. */
  forgetWaits(): void {
    this.#hangUps.length = 0;
  }

  // --- what ends a delivery

  acknowledgeRecent(): void {
    this.#acknowledgeSome(this.#held.slice(-12), 1 + this.#talk.dice.below(4));
  }

  acknowledgeOld(): void {
    this.#acknowledgeSome(this.#held.slice(-KEPT), 1);
  }

  /** Everything that one group was given since `count` were held. Says from which topics. */
  acknowledgeSince(count: number): readonly string[] {
    const given = this.#held.slice(count);
    const topics = [...new Set(given.map(({ topic }) => topic))];
    for (const name of topics) this.#acknowledge(given.filter(({ topic }) => topic === name));
    return topics;
  }

  get heldCount(): number {
    return this.#held.length;
  }

  /** Makes room, so that `acknowledgeSince` finds what comes next. */
  forgetOld(): void {
    this.#held = this.#held.slice(-20);
  }

  /** One that is still good, to be used just when it ends. */
  oneInTime(): Held | undefined {
    const inTime = this.#held.filter(({ delivery }) => delivery.visibleAgainAt > this.#talk.now + 1);
    return inTime.length === 0 ? undefined : this.#talk.dice.pick(inTime);
  }

  #acknowledgeSome(from: readonly Held[], count: number): void {
    if (from.length === 0) return;
    const first = this.#talk.dice.pick(from);
    const others = from.filter(({ topic, group }) => topic === first.topic && group === first.group);
    this.#acknowledge([first, ...others.slice(0, count - 1)]);
  }

  acknowledgeOne(held: Held): void {
    this.#acknowledge([held]);
  }

  #acknowledge(chosen: readonly Held[]): void {
    const [first] = chosen;
    if (first === undefined) return;
    const { topic, group } = first;
    const { model, engine, history, now } = this.#talk;
    const handles = [...new Set(chosen.map(({ delivery }) => delivery.handle))];
    if (Math.abs(first.delivery.visibleAgainAt - now) <= 5) history.met("handle used at its deadline");
    const request = { topic: topicRef(topic), group: groupRef(group), handles };
    this.#talk.ask(
      `acknowledge ${topic} as ${group} ${handles.map((handle) => handle.slice(-6))}`,
      engine.acknowledge(this.#talk.call(), request),
      {
        answered: (outcomes) => {
          model.deliveries.acknowledged(topic, group, outcomes);
          const done = new Set(outcomes.filter(({ refusal }) => refusal === undefined).map(({ handle }) => handle));
          for (const { delivery, batch } of chosen) if (done.has(delivery.handle)) batch.acknowledged += 1;
        },
        lost: () => model.deliveries.acknowledgeLost(group, handles),
        refused: () => {},
        mayBeForgotten: () => model.mayBeForgotten(topic),
      },
    );
  }

  /** Some of what was received last, and `more`. */
  giveBack(more: readonly string[]): void {
    const { dice, model, engine, history } = this.#talk;
    const chosen = this.#held.slice(-6).filter(() => dice.oneIn(2));
    const handles = [...chosen.map(({ delivery }) => delivery.handle), ...more];
    if (handles.length === 0) return;
    history.met("delivery given back", handles.length);
    this.#talk.ask(
      `give back ${handles.map((handle) => handle.slice(-6))}`,
      engine.giveBack(this.#talk.call(), { handles }),
      {
        answered: () => model.gaveBack(handles, true),
        lost: () => model.gaveBack(handles, false),
        refused: () => {},
      },
    );
  }
}
