import { openEmbeddedEngine } from "../../src/embedded/embedded-engine.ts";
import { FileJournal } from "../../src/embedded/journal/file-journal.ts";
import type { EngineSettings } from "../../src/embedded/settings.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { GuardedEngine } from "../../src/engine/guarded-engine.ts";
import type { Log } from "../../src/runtime/log.ts";
import { FaultyDisk } from "../../src/testing/faulty-disk.ts";
import type { SeededRandom } from "../../src/testing/seeded-random.ts";
import { SimulatedClock } from "../../src/testing/simulated-clock.ts";

/** Puts a fault between the clients and the engine, to see whether the model notices. */
export type Spoil = (engine: Engine) => Engine;

/** One machine with one broker: its disk outlives every uptime, clock and memory do not. */
export class SimulatedBroker {
  readonly #random: SeededRandom;
  readonly #segmentBytes: number;
  readonly #spoil: Spoil;
  /** How often a start cut a torn tail. */
  cuts = 0;
  clock = new SimulatedClock();
  disk: FaultyDisk;
  #engine: Engine | undefined;

  constructor(random: SeededRandom, segmentBytes: number, spoil: Spoil = (engine) => engine) {
    this.#random = random;
    this.#segmentBytes = segmentBytes;
    this.#spoil = spoil;
    this.disk = new FaultyDisk(random);
  }

  get engine(): Engine {
    if (this.#engine === undefined) throw new Error("the broker is down");
    return this.#engine;
  }

  /** Whether it serves: false where the power failed on the way. A start that is refused is thrown. */
  async start(settings: EngineSettings): Promise<boolean> {
    const { clock, disk } = this;
    const log: Log = {
      isEnabled: () => false,
      write: (_level, event) => {
        if (event === "journal.cut") this.cuts += 1;
      },
    };
    const runtime = { clock, disk, log, random: this.#random };
    const options = { directory: "/data", version: "0.0.0-test", segmentBytes: this.#segmentBytes };
    const opening = openEmbeddedEngine({
      journal: new FileJournal(runtime, options),
      runtime,
      settings,
      waitClocks: [clock],
    });
    const opened = await this.outcomeOf(opening);
    if (opened === undefined) return false;
    if ("error" in opened) throw opened.error;
    this.#engine = this.#spoil(new GuardedEngine(opened.value, { fast: false }));
    return true;
  }

  /** Whether it came to its end by itself. */
  async stop(): Promise<boolean> {
    return (await this.outcomeOf(this.engine.stop())) !== undefined;
  }

  /** Ends this uptime; the next one begins after the downtime, with what the disk has kept. */
  fail(how: "kill" | "power-cut" | "stopped", downFor: number): void {
    this.#engine = undefined;
    this.disk = how === "power-cut" ? this.disk.crash() : this.disk.kill();
    this.clock = new SimulatedClock(this.clock.wall() + downFor);
  }

  /** What became of it when everything has settled; undefined where it still hangs. */
  async outcomeOf<Value>(promise: Promise<Value>): Promise<Outcome<Value> | undefined> {
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
    return outcome;
  }
}

export type Outcome<Value> = { readonly value: Value } | { readonly error: unknown };
