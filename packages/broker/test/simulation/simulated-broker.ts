import { openEmbeddedEngine } from "../../src/embedded/embedded-engine.ts";
import { FileJournal, type FileJournalOptions } from "../../src/embedded/journal/file-journal.ts";
import { openLedger } from "../../src/embedded/open-ledger.ts";
import type { EngineSettings } from "../../src/embedded/settings.ts";
import { TagHasher } from "../../src/embedded/tag-hasher.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { GuardedEngine } from "../../src/engine/guarded-engine.ts";
import type { Disk } from "../../src/runtime/disk.ts";
import type { Log } from "../../src/runtime/log.ts";
import { FaultyDisk } from "../../src/testing/faulty-disk.ts";
import type { SeededRandom } from "../../src/testing/seeded-random.ts";
import { SimulatedClock } from "../../src/testing/simulated-clock.ts";
import { contentsOf } from "../ledger/ledger-contents.ts";
import type { Plan } from "./plan.ts";

/** Puts a fault between clients and engine, between engine and disk, or into the settings, to see whether the model notices. */
export interface Spoil {
  engine?(engine: Engine): Engine;
  disk?(disk: FaultyDisk): Disk;
  settings?(settings: EngineSettings): EngineSettings;
}

export type Outcome<Value> = { readonly value: Value } | { readonly error: unknown };

const SNAPSHOT = /\.snap$/;
const SILENT: Log = { isEnabled: () => false, write: () => {} };

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
  async start(wanted: EngineSettings): Promise<boolean> {
    const settings = this.#spoil.settings?.(wanted) ?? wanted;
    const { clock } = this;
    this.#slowDown();
    const log: Log = { isEnabled: () => false, write: (_level, event) => this.#tell(event) };
    const runtime = { clock, disk: this.#spoil.disk?.(this.disk) ?? this.disk, log, random: this.#random };
    const journal = new FileJournal(runtime, this.#journalOptions);
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

  /**
   * What the ledger holds that the disk of a stopped broker tells of: from the snapshot that the stop took of the ledger that
   * lived, or without it, from what was written down before. The disk stays as it is.
   */
  async contents(settings: EngineSettings, withoutNewestSnapshot: boolean): Promise<ReadonlyMap<string, string>> {
    const disk = this.disk.kill();
    const newest = disk.paths().findLast((path) => SNAPSHOT.test(path));
    if (withoutNewestSnapshot && newest !== undefined) await disk.remove(newest);
    const clock = new SimulatedClock(this.clock.wall(), "memory");
    const runtime = { clock, disk, log: SILENT, random: this.#random };
    const journal = new FileJournal(runtime, this.#journalOptions);
    await journal.open();
    try {
      const tags = new TagHasher(journal.secret);
      return contentsOf((await openLedger(journal, settings, (tag) => tags.hash(tag))).ledger);
    } finally {
      await journal.close();
    }
  }

  /** Where the disk takes its time, moves time on until this holds, or nobody would wait any longer. */
  async waitForDisk(isDone: () => boolean): Promise<void> {
    const step = this.diskTakesUpTo;
    if (step === 0) return;
    for (let waited = 0; waited < PATIENCE && !isDone() && !this.disk.isDead; waited += step) {
      await this.clock.advance(step);
    }
  }

  get #journalOptions(): FileJournalOptions {
    const { segmentBytes, reserveBytes } = this.#plan;
    return { directory: "/data", version: "0.0.0-test", segmentBytes, reserveBytes, minFreeBytes: reserveBytes / 8 };
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
