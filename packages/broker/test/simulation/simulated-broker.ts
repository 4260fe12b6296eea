import { openEmbeddedEngine } from "../../src/embedded/embedded-engine.ts";
import { FileJournal } from "../../src/embedded/journal/file-journal.ts";
import type { EngineSettings } from "../../src/embedded/settings.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { GuardedEngine } from "../../src/engine/guarded-engine.ts";
import type { Disk } from "../../src/runtime/disk.ts";
import type { Log } from "../../src/runtime/log.ts";
import { FaultyDisk } from "../../src/testing/faulty-disk.ts";
import type { SeededRandom } from "../../src/testing/seeded-random.ts";
import { SimulatedClock } from "../../src/testing/simulated-clock.ts";
import type { Plan } from "./plan.ts";

/** Puts a fault between the clients and the engine, or between the engine and the disk, to see whether the model notices. */
export interface Spoil {
  engine?(engine: Engine): Engine;
  disk?(disk: FaultyDisk): Disk;
}

export type Outcome<Value> = { readonly value: Value } | { readonly error: unknown };

/** A client gives up after so long, and so do we. */
const PATIENCE = 35_000;

/** One machine with one broker: its disk outlives every uptime, clock and memory do not. */
export class SimulatedBroker {
  readonly #random: SeededRandom;
  readonly #plan: Plan;
  readonly #spoil: Spoil;
  readonly #tell: (event: string) => void;
  clock = new SimulatedClock(undefined, "memory");
  disk: FaultyDisk;
  diskTakesUpTo: number;
  #engine: Engine | undefined;

  /** `tell` hears what the broker logs. */
  constructor(random: SeededRandom, plan: Plan, spoil: Spoil, tell: (event: string) => void) {
    this.#random = random;
    this.#plan = plan;
    this.#spoil = spoil;
    this.#tell = tell;
    this.diskTakesUpTo = plan.diskTakesUpTo;
    this.disk = new FaultyDisk(random);
  }

  get engine(): Engine {
    if (this.#engine === undefined) throw new Error("the broker is down");
    return this.#engine;
  }

  /** Whether it serves: false where the power failed on the way. A start that is refused is thrown. */
  async start(settings: EngineSettings): Promise<boolean> {
    const { clock } = this;
    this.#slowDown();
    const log: Log = { isEnabled: () => false, write: (_level, event) => this.#tell(event) };
    const runtime = { clock, disk: this.#spoil.disk?.(this.disk) ?? this.disk, log, random: this.#random };
    const options = { directory: "/data", version: "0.0.0-test", segmentBytes: this.#plan.segmentBytes };
    const journal = new FileJournal(runtime, options);
    const opened = await this.#outcomeOf(openEmbeddedEngine({ journal, runtime, settings, waitClocks: [clock] }));
    if (opened === undefined) return false;
    if ("error" in opened) throw opened.error;
    const engine = new GuardedEngine(opened.value, { fast: false });
    this.#engine = this.#spoil.engine?.(engine) ?? engine;
    return true;
  }

  /** Whether it came to its end by itself. */
  async stop(): Promise<boolean> {
    return (await this.#outcomeOf(this.engine.stop())) !== undefined;
  }

  /** Ends this uptime; the next one begins after the downtime, with what the disk has kept. */
  fail(how: "kill" | "power-cut" | "stopped", downFor: number): void {
    this.#engine = undefined;
    this.disk = how === "power-cut" ? this.disk.crash() : this.disk.kill();
    this.clock = new SimulatedClock(this.clock.wall() + downFor, "memory");
  }

  /** Where the disk takes its time, moves time on until this holds, or nobody would wait any longer. */
  async waitForDisk(isDone: () => boolean): Promise<void> {
    const step = this.diskTakesUpTo;
    if (step === 0) return;
    for (let waited = 0; waited < PATIENCE && !isDone() && !this.disk.isDead; waited += step) {
      await this.clock.advance(step);
    }
  }

  #slowDown(): void {
    const { clock, diskTakesUpTo } = this;
    if (diskTakesUpTo === 0) return;
    this.disk.slowDown(
      () =>
        new Promise<void>((resolve) => {
          clock.alarm(clock.now() + this.#random.below(diskTakesUpTo), resolve);
        }),
    );
  }

  /** What became of it when everything has settled; undefined where it still hangs. */
  async #outcomeOf<Value>(promise: Promise<Value>): Promise<Outcome<Value> | undefined> {
    let outcome: Outcome<Value> | undefined;
    promise.then(
      (value) => {
        outcome = { value };
      },
      (error: unknown) => {
        outcome = { error };
      },
    );
    await this.clock.settle();
    await this.waitForDisk(() => outcome !== undefined);
    return outcome;
  }
}
