import { BrokerError } from "../domain/broker-error.ts";
import type { Alarm, Clock } from "../runtime/clock.ts";
import type { Context } from "./decisions/context.ts";
import { decideSweep, nextSweepAt } from "./decisions/decide-sweep.ts";
import { DueAlarm } from "./due-alarm.ts";
import type { Fact } from "./journal/fact.ts";
import type { Journal } from "./journal/journal.ts";
import type { PollMemories } from "./poll-memories.ts";
import type { Retention } from "./retention.ts";
import type { EngineSettings } from "./settings.ts";
import type { Ledger } from "./state/ledger.ts";

const DROPS_EVERY = 10_000;
/** At a time, where there is hardly any space. */
const MAX_DROPS = 10;

interface SweeperParts {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly ledger: Ledger;
  readonly settings: EngineSettings;
  readonly memories: PollMemories;
  readonly retention: Retention;
  /** Reads the time, and by that wakes who waited for it. */
  readonly context: () => Context;
  readonly commit: (facts: readonly Fact[]) => void;
}

/** Commits what has come due, when it does, a slice a turn. What that is, the decisions say. */
export class Sweeper {
  readonly #parts: SweeperParts;
  readonly #alarm: DueAlarm;
  /** While there is space for nothing. */
  #starvingAlarm: Alarm | undefined;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
    const { clock, ledger, settings, memories, retention } = parts;
    const sweep = {
      get nextAt() {
        return nextSweepAt({ ledger, settings, now: clock.now() });
      },
    };
    this.#alarm = new DueAlarm(clock, ledger, [memories, sweep, retention], () => this.sweep());
  }

  /** To be called after every change. */
  setAlarm(): void {
    this.#alarm.set();
  }

  sweep(): void {
    // DUR-3: while there is space for nothing, what has come due waits until there is.
    this.#unlessFailed(() => (this.#isStarving ? this.#dropSome() : this.#writeAllDown()));
  }

  #writeAllDown(): void {
    const { ledger, memories, retention, commit } = this.#parts;
    const context = this.#parts.context();
    commit(memories.writeDown(context.moment.now));
    commit(decideSweep(ledger, context));
    commit(retention.drop(context));
    commit(retention.forget(context));
    this.#alarm.set();
  }

  /** DUR-3: but what grows too old may go, a little at a time: that brings space back, and perhaps nothing else does. */
  #dropSome(): void {
    const { clock, commit, journal, retention } = this.#parts;
    this.#starvingAlarm?.cancel();
    this.#starvingAlarm = clock.alarm(clock.now() + DROPS_EVERY, () => this.sweep());
    if (journal.space.mayDrop) commit(retention.drop(this.#parts.context()).slice(0, MAX_DROPS));
  }

  stop(): void {
    const { commit, memories } = this.#parts;
    if (!this.#isStarving) this.#unlessFailed(() => commit(memories.writeDown(Number.POSITIVE_INFINITY)));
    this.#alarm.cancel();
    this.#starvingAlarm?.cancel();
  }

  get #isStarving(): boolean {
    return this.#parts.journal.space.room === "none";
  }

  /** DUR-2: once the disk has failed, who waits has been told, and the process ends; there is nothing left to write down. */
  #unlessFailed(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (!(error instanceof BrokerError && error.code === "storage-failed")) throw error;
    }
  }
}
