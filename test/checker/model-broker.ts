import type { SeededRandom } from "../crash/seeded-random.ts";
import { queueOf } from "./checks/queue-of.ts";
import {
  type ConsumeRequest,
  DEAD_LETTERS,
  type EndRequest,
  type Got,
  type HalfRequest,
  type PublishRequest,
  type Settings,
  type Sort,
} from "./history.ts";
import type { Agenda } from "./model-agenda.ts";
import { type Change, changed, entered, insert, ModelJournal, opposite, remove } from "./model-journal.ts";
import type { Connection, Half, Held, Message, ModelAnswer, Poll, Subscription } from "./model-message.ts";
import type { Rules } from "./model-rules.ts";

/**
 * A broker in a few hundred lines: no wire, no files, simulated time. It keeps every promise, as far as its rules do; a mutant is a broker
 * with one rule replaced. Shares no code with the product.
 */

const EPOCH = 1_790_000_000_000;
const GIVE_BACKS_THAT_STAND = 5;

export class ModelBroker {
  readonly #agenda: Agenda;
  readonly #random: SeededRandom;
  readonly #rules: Rules;
  readonly #settings: Settings;
  readonly #subscriptions: Subscription[] = [];
  readonly #queues = new Map<string, Message[][]>();
  readonly #halves = new Map<string, Message>();
  readonly #delayed = new Map<string, Message>();
  readonly #journal: ModelJournal;
  #polls: Poll[] = [];
  #numbers = 0;
  #life = 0;
  #skew = 0;
  #newest = 0;
  readonly #stuck = new Set<number>();
  isUp = false;

  constructor(agenda: Agenda, random: SeededRandom, rules: Rules, settings: Settings) {
    this.#agenda = agenda;
    this.#random = random;
    this.#rules = rules;
    this.#journal = new ModelJournal(agenda, random, rules);
    this.#settings = settings;
  }

  /** Epoch milliseconds of a simulated instant. */
  static epoch(at: number): number {
    return Math.floor(EPOCH + at);
  }

  subscribe(topic: string, group: string): void {
    const { topics, groups, maxRetries } = this.#settings;
    const ready = Array.from({ length: topics[topic]?.queues ?? 1 }, () => []);
    const retries = topic.startsWith(DEAD_LETTERS)
      ? Number.POSITIVE_INFINITY
      : (groups?.[group]?.maxRetries ?? maxRetries);
    this.#subscriptions.push({ topic, group, maxRetries: retries, ready, held: new Map(), acknowledged: new Map() });
  }

  /** What this broker's clock says. It is not quite ours, and never goes back. */
  #now(): number {
    this.#newest = Math.max(this.#newest, ModelBroker.epoch(this.#agenda.now + this.#skew));
    return this.#newest;
  }

  start(serves: () => void): void {
    const life = ++this.#life;
    this.#skew = this.#random.below(5) - 2;
    this.#journal.syncedAt = this.#agenda.now;
    for (const subscription of this.#subscriptions)
      for (const [id, held] of subscription.held) subscription.held.set(id, this.#rules.heldAfterStart(held));
    for (const queue of [0, 1, 2]) if (life > 1 && this.#rules.isStuckAfterStart(queue)) this.#stuck.add(queue);
    this.#agenda.in(this.#rules.startTakes(20 + this.#random.below(200)), () => {
      this.isUp = true;
      for (const message of this.#delayed.values()) this.#release(message, life > 1);
      this.#lookAt(this.#allInstants());
      this.#serve();
      serves();
    });
  }

  /** What was not synced is gone, from some point on. */
  crash(): void {
    this.isUp = false;
    this.#life += 1;
    this.#polls = [];
    this.#journal.crash();
  }

  publish(request: PublishRequest, connection: Connection): void {
    const isRefused = this.#random.percent(2);
    if (isRefused) connection.reply({ fail: "busy" });
    if (isRefused && !this.#rules.storesRefused()) return;
    let first: Message | undefined;
    let syncedAt = 0;
    for (let copies = this.#rules.copies(this.#random); copies > 0; copies--) {
      const queue = this.#rules.queueFor(Number(queueOf(this.#settings, request)?.split("/")[1] ?? 0), this.#random);
      const message: Message = { ...request, id: `M${++this.#numbers}`, queue, offset: -1 };
      first ??= message;
      syncedAt = this.#store(message);
    }
    const res = { id: first?.id, ...(first?.half ? { h: first.half.handle } : {}) };
    if (!isRefused) this.#answer("publish", syncedAt, connection, { ok: res });
    this.#serve("publish");
  }

  #store(message: Message): number {
    const now = this.#now();
    if (message.immunityMs !== undefined) {
      const firstDueAt = this.#rules.firstCheckAt(now, message.immunityMs, this.#settings.checkRoundedToMs);
      message.half = { state: "open", handle: `P${message.id}`, until: firstDueAt, count: 0, first: 0, firstDueAt };
      this.#lookAt([firstDueAt]);
      const seen = this.#rules.isSeenBeforeCommit(this.#random) ? [this.#appended(message)] : [];
      return this.#journal.commit("publish", entered(this.#halves, message.id, message), ...seen);
    }
    if (message.dueAt !== undefined && this.#rules.dueAt(message.dueAt) > now) {
      const syncedAt = this.#journal.commit("publish", entered(this.#delayed, message.id, message));
      this.#release(message, false);
      return syncedAt;
    }
    return this.#journal.commit("publish", this.#appended(message));
  }

  #release(message: Message, isAfterStart: boolean): void {
    const dueAt = this.#rules.dueAt(message.dueAt ?? 0);
    const at = isAfterStart ? this.#rules.delayedAfterStart(dueAt) : dueAt;
    const life = this.#life;
    this.#agenda.at(this.#instant(at), () => {
      if (life !== this.#life || !this.#delayed.has(message.id)) return;
      this.#journal.commit("release", opposite(entered(this.#delayed, message.id, message)), this.#appended(message));
      this.#serve("time");
    });
  }

  /** It becomes visible, with a place in its queue. */
  #appended(message: Message): Change {
    const { topic, queue } = message;
    const queues = this.#queues.get(topic) ?? Array.from({ length: 8 }, () => []);
    this.#queues.set(topic, queues);
    const all = queues[queue] as Message[];
    const subscriptions = this.#subscriptions.filter((one) => one.topic === topic);
    return {
      act: () => {
        const place = this.#rules.placeFor(all.length, this.#random);
        message.offset = place === all.length ? place : place - 0.5 + all.length / 1e6;
        all.push(message);
        for (const { ready } of subscriptions) insert(ready[queue] as Message[], message);
      },
      undo: () => {
        remove(all, message);
        for (const { ready } of subscriptions) remove(ready[queue] as Message[], message);
      },
    };
  }

  consume(request: ConsumeRequest | HalfRequest, connection: Connection): void {
    const sort: Sort = "mode" in request ? request.mode : "half";
    const deadline = this.#agenda.now + this.#rules.waitsFor(request.waitMs);
    const poll: Poll = { request, sort, connection, deadline };
    this.#sweep();
    if (this.#offer(poll)) return;
    this.#polls.push(poll);
    const life = this.#life;
    this.#agenda.at(deadline, () => {
      if (life !== this.#life || !this.#polls.includes(poll)) return;
      this.#polls.splice(this.#polls.indexOf(poll), 1);
      connection.reply({ ok: { got: [] } });
    });
  }

  /** Waiting polls, in the order in which they came. */
  #serve(because?: "publish" | "time" | "end"): void {
    this.#sweep();
    if (this.#polls.length === 0) return;
    if (because && !this.#rules.wakes(because)) return;
    for (const poll of [...this.#polls])
      if (poll.connection.isHungUp || this.#offer(poll)) this.#polls.splice(this.#polls.indexOf(poll), 1);
  }

  #offer(poll: Poll): boolean {
    return poll.sort === "half" ? this.#giveHalves(poll) : this.#give(poll);
  }

  #give(poll: Poll): boolean {
    const { topic, group, max } = poll.request;
    const subscription = this.#subscriptions.find((one) => one.topic === topic && one.group === group);
    if (subscription === undefined) return false;
    const chosen =
      poll.sort === "ordered" ? this.#chooseOrdered(subscription, poll) : this.#choosePlain(subscription, poll);
    if (chosen.length === 0) return false;
    this.#deliver(subscription, poll, chosen.slice(0, max + this.#rules.mayExceed));
    return true;
  }

  #choosePlain(subscription: Subscription, { request, sort }: Poll): (Message | Held)[] {
    const now = this.#now();
    const filter = ("tag" in request && request.tag) || "*";
    const chosen: (Message | Held)[] = [];
    for (const held of subscription.held.values()) {
      if (!this.#rules.isAgainDue(held.until, now, sort) || !this.#isLeft(subscription, held)) continue;
      if (!this.#rules.comesAgain(held, this.#random)) continue;
      if (this.#rules.matches(filter, held.message.tag, held.count)) chosen.push(held);
    }
    chosen.sort((a, b) => (a as Held).until - (b as Held).until);
    for (const ready of subscription.ready) {
      for (const message of ready) {
        if (chosen.length >= request.max) break;
        if (this.#rules.matches(filter, message.tag, 0)) chosen.push(message);
      }
    }
    return chosen.slice(0, request.max);
  }

  #chooseOrdered(subscription: Subscription, { request, sort }: Poll): (Message | Held)[] {
    const now = this.#now();
    const chosen: (Message | Held)[] = [];
    for (const [queue, ready] of subscription.ready.entries()) {
      if (this.#stuck.has(queue)) continue;
      const left = request.max - chosen.length;
      if (left <= 0) break;
      const due: Held[] = [];
      const inFlight: Held[] = [];
      for (const held of subscription.held.values()) {
        if (held.message.queue !== queue) continue;
        if (!this.#rules.isAgainDue(held.until, now, sort)) inFlight.push(held);
        else if (this.#rules.comesAgain(held, this.#random) && this.#isLeft(subscription, held)) due.push(held);
      }
      if (!this.#rules.isOpen(inFlight)) continue;
      due.sort((a, b) => a.message.offset - b.message.offset);
      const fresh = this.#rules.fresh(ready, subscription.group);
      if (due.length > 0 && this.#rules.againFirst()) {
        chosen.push(...this.#rules.again(due, left));
        if (this.#rules.joins()) chosen.push(...fresh.slice(0, Math.max(0, left - due.length)));
      } else chosen.push(...fresh.slice(0, left));
    }
    return chosen;
  }

  #isLeft({ maxRetries }: Subscription, { count }: Held): boolean {
    return count < this.#rules.mostDeliveries(maxRetries);
  }

  #deliver(subscription: Subscription, poll: Poll, chosen: readonly (Message | Held)[]): void {
    const now = this.#now();
    const { held, ready } = subscription;
    const until = now + this.#rules.invisibleFor(this.#settings.invisibleForMs[poll.sort], poll.sort);
    const given = chosen.map((one) => {
      const before = "message" in one ? one : undefined;
      const message = "message" in one ? one.message : one;
      const handle = this.#rules.handle(`H${++this.#numbers}`, before?.handle);
      const count = this.#rules.countAfter(before?.count ?? 0, poll.sort);
      const first = before?.count ? before.first : now;
      const after: Held = {
        message,
        count,
        first,
        until,
        handle,
        batchSize: chosen.length,
        undone: before?.undone ?? 0,
      };
      return { before, after, message };
    });
    const syncedAt = this.#journal.commit("consume", {
      act: () => {
        for (const { message, after } of given) {
          remove(ready[message.queue] as Message[], message);
          held.set(message.id, after);
        }
      },
      undo: () => {
        for (const { message, before } of given) {
          if (before) held.set(message.id, before);
          else {
            held.delete(message.id);
            insert(ready[message.queue] as Message[], message);
          }
        }
      },
    });
    this.#lookAt([until]);
    const got = given.map(({ after }) => this.#toGot(after, now));
    this.#answer("consume", syncedAt, poll.connection, { ok: { got } }, () => {
      for (const { before, after } of given) this.#giveBack(subscription, before, after);
      this.#serve("end");
    });
  }

  #toGot({ message, count, first, until, handle }: Held, now: number): Got {
    const { uid, id, sum, props, tag } = message;
    const told = { uid, id, sum, props, tag, h: handle, c: count, next: this.#rules.told(until) };
    return this.#rules.got({ ...told, first: this.#rules.firstTold(first, now) }, this.#random);
  }

  /** DEL-8: undone, four times of five. */
  #giveBack({ held, ready }: Subscription, before: Held | undefined, after: Held): void {
    const { message } = after;
    if (held.get(message.id)?.handle !== after.handle) return;
    const undone = after.undone + 1;
    const stands = undone >= GIVE_BACKS_THAT_STAND;
    const dueNow = { ...(before ?? after), undone, until: before?.until ?? this.#now(), handle: `-${++this.#numbers}` };
    const count = this.#rules.countGivenBack(before?.count ?? 0, after.count);
    this.#journal.commit("give-back", {
      act: () => {
        if (stands) held.set(message.id, { ...after, undone: 0 });
        else if (this.#rules.dropsGivenBack()) held.delete(message.id);
        else if (before || count > 0) held.set(message.id, { ...dueNow, count });
        else {
          held.delete(message.id);
          insert(ready[message.queue] as Message[], message);
        }
      },
      undo: () => {
        remove(ready[message.queue] as Message[], message);
        held.set(message.id, after);
      },
    });
  }

  acknowledge({ topic, group, h }: EndRequest, connection: Connection): void {
    const subscription = this.#subscriptions.find((one) => one.topic === topic && one.group === group);
    let syncedAt = this.#agenda.now;
    const refused: string[] = [];
    for (const handle of h) {
      const done = subscription && this.#acknowledgeOne(subscription, handle);
      if (done === undefined && !this.#rules.anyHandle()) refused.push(handle);
      else syncedAt = Math.max(syncedAt, done ?? 0);
    }
    this.#answer("ack", syncedAt, connection, { ok: { refused } });
    this.#serve("end");
  }

  #acknowledgeOne(subscription: Subscription, handle: string): number | undefined {
    const now = this.#now();
    const { held, acknowledged } = subscription;
    const until = acknowledged.get(handle);
    if (until !== undefined)
      return this.#rules.mayRepeat() && this.#rules.isInTime(until, now) ? this.#journal.syncedAt : undefined;
    const one = [...held.values()].find((candidate) => this.#rules.isHandleOf(candidate, handle));
    if (one === undefined || !this.#rules.isInTime(one.until, now)) return undefined;
    if (!this.#rules.acknowledges(this.#random)) return this.#journal.syncedAt;
    const others = this.#rules.acknowledgesForAll()
      ? this.#subscriptions.filter((other) => other.topic === subscription.topic && other !== subscription)
      : [];
    const batch = this.#rules.acknowledgesBatch()
      ? [...held.values()].filter((other) => other.until === one.until)
      : [one];
    return this.#journal.commit(
      "ack",
      {
        act: () => {
          for (const { message } of batch) held.delete(message.id);
          for (const { ready } of others) remove(ready[one.message.queue] as Message[], one.message);
          acknowledged.set(handle, one.until);
        },
        undo: () => {
          for (const other of batch) held.set(other.message.id, other);
          acknowledged.delete(handle);
        },
      },
      ...(this.#rules.deadLetterAcknowledged(this.#random) ? [this.#deadLettered(subscription, one)] : []),
    );
  }

  #sweep(): void {
    const now = this.#now();
    for (const subscription of this.#subscriptions) {
      if (subscription.maxRetries >= this.#settings.maxRetries) continue;
      for (const held of subscription.held.values()) {
        if (held.until > now || this.#isLeft(subscription, held)) continue;
        const left = opposite(entered(subscription.held, held.message.id, held));
        const count = this.#rules.deadLetters(this.#random);
        const dead = Array.from({ length: count }, (_, copy) => this.#deadLettered(subscription, held, copy > 0));
        this.#journal.commit("sweep", left, ...dead);
      }
    }
  }

  #deadLettered({ group }: Subscription, { message }: Held, isCopy = false): Change {
    const { uid, sum, props, tag, id } = message;
    const topic = DEAD_LETTERS + group;
    return this.#appended({
      topic,
      uid,
      sum,
      props,
      tag,
      id: isCopy ? `M${++this.#numbers}` : id,
      queue: 0,
      offset: -1,
    });
  }

  #giveHalves(poll: Poll): boolean {
    const now = this.#now();
    const { topic, max } = poll.request;
    const { checksForMs, invisibleForMs } = this.#settings;
    const due: { readonly half: Half; readonly message: Message }[] = [];
    for (const message of this.#halves.values()) {
      const { half } = message;
      if (message.topic !== topic || half === undefined) continue;
      if (half.state !== "open" && !this.#rules.isCheckedAfterEnd()) continue;
      const nextAt = half.count === 0 ? half.until : this.#rules.checkAgainAt(half.until, now);
      if (nextAt <= now && now <= this.#rules.checksUntil(half.firstDueAt, checksForMs)) due.push({ half, message });
    }
    if (due.length === 0) return false;
    const given = due.slice(0, max).map(({ half, message }) => ({ half, message, before: { ...half } }));
    const until = now + invisibleForMs.half;
    const syncedAt = this.#journal.commit("check", {
      act: () => {
        for (const { half } of given) {
          half.count = this.#rules.countAfter(half.count, "half");
          half.handle = this.#rules.handle(`C${++this.#numbers}`, half.handle);
          half.first = half.count === 1 ? now : half.first;
          half.until = until;
        }
      },
      undo: () => {
        for (const { half, before } of given) Object.assign(half, before);
      },
    });
    this.#lookAt([until]);
    const got = given.map(({ half, message: { uid, id, sum, props, tag } }) => {
      const { handle: h, count: c, first } = half;
      return { uid, id, sum, props, tag, h, c, first, next: this.#rules.told(until) };
    });
    this.#answer("check", syncedAt, poll.connection, { ok: { got } }, () => {
      for (const [index, { half, before }] of given.entries()) {
        if (half.state !== "open" || half.handle !== got[index]?.h) continue;
        const back = { ...before, handle: `-${++this.#numbers}`, until: Math.min(before.until, this.#now()) };
        this.#journal.commit("give-back", changed(half, back));
      }
      this.#serve("end");
    });
    return true;
  }

  end(as: "commit" | "rollback", { topic, h }: EndRequest, connection: Connection): void {
    const refused: string[] = [];
    let syncedAt = this.#agenda.now;
    for (const handle of h) {
      const done = this.#endOne(as, topic, handle);
      if (done === undefined) refused.push(handle);
      else syncedAt = Math.max(syncedAt, done);
    }
    this.#answer(as, syncedAt, connection, { ok: { refused } });
    this.#serve("end");
  }

  #endOne(as: "commit" | "rollback", topic: string, handle: string): number | undefined {
    const message = [...this.#halves.values()].find((one) => one.topic === topic && one.half?.handle === handle);
    const half = message?.half;
    if (half === undefined || message === undefined || !this.#rules.isInTime(half.until, this.#now())) return undefined;
    if (half.state !== "open" && half.state === as) return this.#journal.syncedAt;
    if (half.state !== "open" && !this.#rules.canEndAgain()) return undefined;
    if (this.#rules.isEndRefused(this.#random)) return undefined;
    const isSeen = as === "commit" || this.#rules.isDeliveredOnRollback();
    return this.#journal.commit(as, changed(half, { state: as }), ...(isSeen ? [this.#appended(message)] : []));
  }

  #answer(verb: string, syncedAt: number, connection: Connection, answer: ModelAnswer, giveBack?: () => void): void {
    const life = this.#life;
    this.#agenda.at(this.#rules.answersAt(this.#agenda.now, syncedAt, verb), () => {
      if (life !== this.#life) return;
      if (connection.isHungUp) giveBack?.();
      else connection.reply(answer);
    });
  }

  /** Looks again when the clock says so. */
  #lookAt(instants: readonly number[]): void {
    const life = this.#life;
    for (const at of instants) {
      this.#agenda.at(this.#instant(at), () => {
        if (life === this.#life) this.#serve("time");
      });
    }
  }

  #allInstants(): number[] {
    const held = this.#subscriptions.flatMap((one) => [...one.held.values()].map(({ until }) => until));
    return [...held, ...[...this.#halves.values()].map(({ half }) => half?.until ?? 0)];
  }

  /** When this broker's clock will say so. */
  #instant(epochMs: number): number {
    return epochMs - EPOCH - this.#skew + 1;
  }
}
