import { openEmbeddedEngine } from "../../src/embedded/embedded-engine.ts";
import type { Fact, Position } from "../../src/embedded/journal/fact.ts";
import { FileJournal, type FileJournalOptions } from "../../src/embedded/journal/file-journal.ts";
import type { Recorded } from "../../src/embedded/journal/journal.ts";
import { openLedger } from "../../src/embedded/open-ledger.ts";
import type { EngineSettings } from "../../src/embedded/settings.ts";
import type { Ledger } from "../../src/embedded/state/ledger.ts";
import { TagHasher } from "../../src/embedded/tag-hasher.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { GuardedEngine } from "../../src/engine/guarded-engine.ts";
import type { Disk } from "../../src/runtime/disk.ts";
import type { Log, LogFields } from "../../src/runtime/log.ts";
import { FaultyDisk } from "../../src/testing/faulty-disk.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { SimulatedClock } from "../../src/testing/simulated-clock.ts";
import { contentsOf } from "../ledger/ledger-contents.ts";
import type { Plan } from "./plan.ts";

/** Puts a fault between clients and engine, between engine and disk, or into the settings, to see whether the model notices. */
export interface Spoil {
  engine?(engine: Engine): Engine;
  disk?(disk: FaultyDisk): Disk;
  settings?(settings: EngineSettings): EngineSettings;
  ledger?(ledger: Ledger): void;
  /** Elsewhere there is nothing to spoil. */
  appliesTo?(settings: EngineSettings): boolean;
}

type Tell = (event: string, fields?: LogFields) => void;

/** Remembers where it ended before anything was added to it, and where the newest fact stands. */
class WatchedJournal extends FileJournal {
  replayedTo: Position = 0;
  #newest: Position = -1;

  override async *replay(): AsyncGenerator<readonly Recorded[], void> {
    yield* super.replay();
    this.replayedTo = this.extent.to;
    this.#newest = this.replayedTo - 1;
  }

  override append(facts: readonly Fact[]): Position[] {
    const positions = super.append(facts);
    this.#newest = positions.at(-1) ?? this.#newest;
    return positions;
  }

  /** Nothing is on its way to the disk. */
  get isWritten(): boolean {
    return this.#newest < this.extent.to;
  }
}

type Contents = ReadonlyMap<string, string>;

/** Where its beginning is gone, the journal goes as far back as the older snapshot. */
export type Rebuilding = "newest snapshot" | "journal";

export type Outcome<Value> = { readonly value: Value } | { readonly error: unknown };

const SILENT: Log = { isEnabled: () => false, write: () => {} };

/** A client gives up after so long, and so do we. */
const PATIENCE = 35_000;

/** One machine with one broker: its disk outlives every uptime, clock and memory do not. */
export class SimulatedBroker {
  readonly #random: SeededRandom;
  readonly #plan: Plan;
  readonly #spoil: Spoil;
  readonly #tell: Tell;
  clock = new SimulatedClock(undefined, "memory");
  disk: FaultyDisk;
  diskTakesUpTo: number;
  #engine: Engine | undefined;
  #journal: WatchedJournal | undefined;
  #ledger: Ledger | undefined;

  /** `tell` hears what the broker logs. */
  constructor(random: SeededRandom, plan: Plan, spoil: Spoil, tell: Tell) {
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

  /** From where to where the journal stands on the disk, or stood last. */
  get extent(): { readonly from: number; readonly to: number } {
    return this.#journal?.extent ?? { from: 0, to: 0 };
  }

  /** Where the journal ended when this uptime began. */
  get replayedTo(): number {
    return this.#journal?.replayedTo ?? 0;
  }

  /** Whether it serves: false where the power failed on the way. A start that is refused is thrown. */
  async start(wanted: EngineSettings): Promise<boolean> {
    const settings = this.#spoil.settings?.(wanted) ?? wanted;
    const { clock } = this;
    this.#slowDown();
    const log: Log = { isEnabled: () => false, write: (_level, event, fields) => this.#tell(event, fields) };
    const runtime = { clock, disk: this.#spoil.disk?.(this.disk) ?? this.disk, log, random: this.#random };
    const journal = new WatchedJournal(runtime, this.#journalOptions);
    this.#journal = journal;
    const opened = await this.#outcomeOf(
      openEmbeddedEngine({ journal, runtime, settings, waitClocks: [clock] }, (ledger) => this.#see(ledger)),
    );
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
   * What the ledger holds that lives here; undefined where the disk does not have all of that yet. To be compared with what is
   * `rebuilt`.
   */
  livingContents(): Contents | undefined {
    const { isDead } = this.disk;
    return this.#ledger === undefined || isDead || !this.#journal?.isWritten ? undefined : contentsOf(this.#ledger);
  }

  /** What a ledger holds that is added up anew from what the disk has now, which stays as it is. */
  async rebuiltContents(settings: EngineSettings, from: Rebuilding): Promise<Contents> {
    const random = new SeededRandom(this.#plan.seed);
    const disk = this.disk.copy(random);
    const snapshots = disk.paths().filter((path) => path.endsWith(".snap"));
    const isWhole = disk.paths().some((path) => path.endsWith("/00000001.seg"));
    const older = isWhole ? undefined : (snapshots.at(-2) ?? snapshots.at(-1));
    // A third one may be left where a broker died before it removed that: nobody counts on it.
    const spared = from === "newest snapshot" ? snapshots : [older];
    for (const path of snapshots) if (!spared.includes(path)) await disk.remove(path);
    const runtime = { clock: new SimulatedClock(this.clock.wall(), "memory"), disk, log: SILENT, random };
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

  #see(ledger: Ledger): void {
    this.#ledger = ledger;
    this.#spoil.ledger?.(ledger);
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
