import { openEmbeddedEngine } from "../../src/embedded/embedded-engine.ts";
import { FileJournal, type FileJournalOptions } from "../../src/embedded/journal/file-journal.ts";
import type { Journal } from "../../src/embedded/journal/journal.ts";
import type { EngineSettings } from "../../src/embedded/settings.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import type { Disk } from "../../src/runtime/disk.ts";
import { RecordingLog } from "../../src/testing/recording-log.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { SimulatedClock } from "../../src/testing/simulated-clock.ts";
import { Bench, DEFAULTS, type EngineUnderTest } from "./bench.ts";

export const UNDER: EngineUnderTest = {
  name: "embedded",
  keeps: true,
  restartsAlways: false,
  open: () => Promise.reject(new Error("the test opens it itself")),
};

/** What a test may choose that opens the engine itself; the rest is as in the conformance suite. */
export interface World {
  readonly clock?: SimulatedClock;
  /** Where it is not the one that the test advances. */
  readonly engineClock?: Clock;
  readonly random?: SeededRandom;
  readonly waitClocks?: readonly [Clock, ...Clock[]];
  readonly settings?: Partial<EngineSettings>;
  readonly log?: RecordingLog;
}

export async function openOver(journal: Journal, world: World = {}): Promise<Bench> {
  const { clock = new SimulatedClock(), random = new SeededRandom(1), engineClock = clock } = world;
  const { log = new RecordingLog() } = world;
  const engine = await openEmbeddedEngine({
    journal,
    runtime: { clock: engineClock, random, log },
    settings: { ...DEFAULTS, ...world.settings },
    waitClocks: world.waitClocks ?? [clock],
  });
  return new Bench(UNDER, { clock, log, engine });
}

export function openOnDisk(
  disk: Disk,
  world: World & { readonly random: SeededRandom },
  options: Partial<FileJournalOptions> = {},
): Promise<Bench> {
  const { clock = new SimulatedClock(), random, log = new RecordingLog() } = world;
  const runtime = { clock, random, disk, log };
  const journal = new FileJournal(runtime, { directory: "/data", version: "0.0.0-test", ...options });
  return openOver(journal, { ...world, clock, log });
}
