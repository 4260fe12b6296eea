import { BrokerError } from "../../../src/domain/broker-error.ts";
import type { EpochMs } from "../../../src/domain/time.ts";
import type { Call, Delivery, Engine } from "../../../src/engine/engine.ts";
import type { Dice } from "../dice.ts";
import type { History } from "../history.ts";
import type { ReferenceModel } from "../model/reference-model.ts";
import { violated } from "../model/violation.ts";
import type { Outcome, SimulatedBroker } from "../simulated-broker.ts";

const NEVER = new AbortController().signal;

/** What the end of a verb means to the model. */
export interface Meaning<Value> {
  answered(value: Value): void;
  /** Nobody can know. */
  lost(): void;
  /** Nothing has happened. */
  refused(): void;
  /** Whether the topic may be gone (GRP-1). */
  mayBeForgotten?(): boolean;
  /** Set for a long poll: where among others that were served at the same instant its answer belongs. */
  placeOf?(value: Value): number;
}

/** A verb under way. */
interface Asked {
  readonly what: string;
  readonly afterFailure: boolean;
  readonly meaning: Meaning<unknown>;
  outcome: Outcome<unknown> | undefined;
}

/** Verbs and their answers, each judged by the model when it comes. */
export class Conversation {
  readonly broker: SimulatedBroker;
  readonly model: ReferenceModel;
  readonly history: History;
  readonly dice: Dice;
  /** Of the last time when everything had settled: what is answered now was decided since. */
  settledAt: EpochMs = 0;
  /** The disk was told to fail, or rots: verbs may be refused for it. */
  mayFail = false;
  /** DUR-3: the disk may be full. */
  mayBeFull = false;
  /** Whoever waits is sent away. */
  isStopping = false;
  /** A verb was refused for it: nothing may be confirmed from then on (DUR-2). */
  hasFailed = false;
  #asked: Asked[] = [];
  #requests = 0;

  constructor(parts: Pick<Conversation, "broker" | "model" | "history" | "dice">) {
    this.broker = parts.broker;
    this.model = parts.model;
    this.history = parts.history;
    this.dice = parts.dice;
  }

  get engine(): Engine {
    return this.broker.engine;
  }

  get now(): EpochMs {
    return this.broker.clock.now();
  }

  get wall(): EpochMs {
    return this.broker.clock.wall();
  }

  get isPending(): boolean {
    return this.#asked.length > 0;
  }

  call(signal: AbortSignal = NEVER): Call {
    this.#requests += 1;
    return { caller: "simulation", requestId: `R${this.#requests}`, signal };
  }

  ask<Value>(what: string, promise: Promise<Value>, meaning: Meaning<Value>): void {
    this.history.note(what);
    const asked: Asked = {
      what,
      afterFailure: this.hasFailed,
      meaning: meaning as Meaning<unknown>,
      outcome: undefined,
    };
    promise.then(
      (value) => {
        asked.outcome = { value };
      },
      (error: unknown) => {
        asked.outcome = { error };
      },
    );
    this.#asked.push(asked);
  }

  /** Lets everything happen that needs no time but the disk's, then judges what was answered. */
  async settle(): Promise<void> {
    await this.broker.clock.settle();
    await this.broker.waitForDisk(() => this.#asked.every((asked) => isWaiting(asked) || asked.outcome !== undefined));
    this.collect();
    if (!this.broker.disk.isDead) this.tick();
  }

  tick(): void {
    this.settledAt = this.now;
    this.model.tick({ now: this.now, wall: this.wall });
  }

  collect(): void {
    this.model.noteExtent(this.broker.extent);
    const all = this.#asked;
    if (all.length === 0) return;
    this.#asked = [];
    const waiting = all.filter(isWaiting);
    if (waiting.length > 0) this.model.tick({ now: this.now, wall: this.wall });
    // Who waited was served after the verbs that woke him.
    for (const asked of all) {
      if (isWaiting(asked)) continue;
      if (asked.outcome !== undefined) this.#judge(asked, asked.outcome);
      else if (this.broker.disk.isDead) this.#lose(asked);
      else violated("DEL-7", `no answer to: ${asked.what}`);
    }
    for (const asked of waiting.toSorted((one, other) => placeOf(one) - placeOf(other))) {
      if (asked.outcome === undefined) this.#asked.push(asked);
      else this.#judge(asked, asked.outcome);
    }
  }

  /** The broker is gone: whatever was not answered may have happened or not. */
  loseAll(): void {
    for (const asked of this.#asked.splice(0)) this.#lose(asked);
  }

  #judge({ what, afterFailure, meaning }: Asked, outcome: Outcome<unknown>): void {
    if ("value" in outcome) {
      this.history.note("  ok", what.slice(0, 40), summaryOf(outcome.value));
      if (afterFailure) violated("DUR-2", `confirmed after the disk had failed: ${what}`);
      meaning.answered(outcome.value);
      return;
    }
    const { error } = outcome;
    if (!(error instanceof BrokerError)) throw error;
    this.history.note("  refused", what.slice(0, 40), error.code);
    if (error.code === "topic-not-found" && meaning.mayBeForgotten?.() === true) {
      meaning.refused();
      return;
    }
    const isFull = error.code === "storage-full" && (this.mayBeFull || this.model.mayRefuse);
    if (isFull) this.history.met(this.mayBeFull ? "refused on a full disk" : "refused for what may not be dropped");
    if (isFull || error.code === "stopping") {
      meaning.refused();
      return;
    }
    if (error.code !== "storage-failed" || !this.mayFail) violated("PUB-6", `refused as ${error.code}: ${what}`);
    if (!this.hasFailed) this.history.met("disk failed under load");
    this.hasFailed = true;
    meaning.lost();
  }

  #lose({ what, meaning }: Asked): void {
    this.history.note("  lost", what.slice(0, 40));
    this.history.met("answer lost in a crash");
    meaning.lost();
  }
}

function isWaiting({ meaning }: Asked): boolean {
  return meaning.placeOf !== undefined;
}

function placeOf({ meaning, outcome }: Asked): number {
  return outcome !== undefined && "value" in outcome ? (meaning.placeOf?.(outcome.value) ?? 0) : 0;
}

/** Bodies, attempts and handles, short enough to read. */
function summaryOf(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((one: Partial<Delivery> & { refusal?: string }) =>
    one.message === undefined
      ? (one.refusal ?? "done")
      : `${one.message.body.slice(0, 20)}#${one.attempt} until ${one.visibleAgainAt} ${one.handle?.slice(-6)}`,
  );
}
