import type { FileJournalOptions } from "../../src/embedded/journal/file-journal.ts";
import { RESERVE_NAME } from "../../src/embedded/journal/space.ts";
import type { EngineSettings } from "../../src/embedded/settings.ts";
import { FaultyDisk } from "../../src/testing/faulty-disk.ts";
import type { RecordingLog } from "../../src/testing/recording-log.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { SimulatedClock } from "../../src/testing/simulated-clock.ts";
import type { Bench } from "./bench.ts";
import { openOnDisk } from "./open-embedded.ts";

const OTHERS = "/other/filling";

export interface SmallDiskOptions {
  readonly capacityBytes: number;
  /** What the journal is opened with. */
  readonly journal: Partial<FileJournalOptions>;
  /** Of all uptimes; each has one of its own unless given. */
  readonly log?: RecordingLog;
}

/** A disk that is soon full (DUR-3), with a broker on it, and others. */
export class SmallDisk {
  readonly #random = new SeededRandom(1);
  readonly #options: SmallDiskOptions;
  readonly #clock = new SimulatedClock();
  disk: FaultyDisk;

  constructor(options: SmallDiskOptions) {
    this.#options = options;
    this.disk = new FaultyDisk(this.#random, { capacityBytes: options.capacityBytes });
  }

  /** Starts a broker. */
  async open(settings: Partial<EngineSettings> = {}): Promise<Bench> {
    const { journal, log } = this.#options;
    const world = { clock: this.#clock, random: this.#random, settings, ...(log && { log }) };
    const bench = await openOnDisk(this.disk, world, journal);
    await bench.settle();
    return bench;
  }

  /** Others take the rest. */
  async othersLeave(free: number): Promise<void> {
    await this.othersGo();
    this.disk.plant(OTHERS, Buffer.alloc((await this.disk.freeBytes("/other")) - free));
  }

  async othersGo(): Promise<void> {
    await this.disk.remove(OTHERS);
  }

  get reserved(): number {
    return this.disk.bytesOf(`/data/${RESERVE_NAME}`).length;
  }

  /** Of the broker; others are not counted. */
  paths(): string[] {
    return this.disk.paths().filter((path) => path !== OTHERS);
  }
}
