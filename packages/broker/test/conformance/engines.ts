import { openEmbeddedEngine } from "../../src/embedded/embedded-engine.ts";
import { FileJournal } from "../../src/embedded/journal/file-journal.ts";
import type { Journal } from "../../src/embedded/journal/journal.ts";
import { MemoryJournal } from "../../src/embedded/journal/memory-journal.ts";
import type { EngineSettings } from "../../src/embedded/settings.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { GuardedEngine } from "../../src/engine/guarded-engine.ts";
import { MeasuredEngine } from "../../src/engine/measured-engine.ts";
import { FaultyDisk } from "../../src/testing/faulty-disk.ts";
import { RecordingLog } from "../../src/testing/recording-log.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { SimulatedClock } from "../../src/testing/simulated-clock.ts";
import type { EngineUnderTest, Opened } from "./bench.ts";

/** The embedded engine over each of its journals, and inside its wrappers. */
export const engines: readonly EngineUnderTest[] = [
  { name: "embedded, in memory", keeps: false, restartsAlways: false, open: openInMemory },
  { name: "embedded, on a simulated disk", keeps: true, restartsAlways: false, open: openOnDisk },
  { name: "embedded, restarted after every step", keeps: true, restartsAlways: true, open: openOnDisk },
  { name: "wrapped", keeps: false, restartsAlways: false, open: openWrapped },
];

/** Restarts from a snapshot after every step. */
export const snapshotting: EngineUnderTest = {
  name: "embedded, restarted from a snapshot after every step",
  keeps: true,
  restartsAlways: true,
  open: openSnapshotting,
};

async function openInMemory(settings: EngineSettings): Promise<Opened> {
  const runtime = { clock: new SimulatedClock(), log: new RecordingLog(), random: new SeededRandom(1) };
  const journal = new MemoryJournal(runtime.random.bytes(32));
  const engine = await openEmbeddedEngine({ journal, runtime, settings, waitClocks: [runtime.clock] });
  return { ...runtime, engine };
}

async function openWrapped(settings: EngineSettings): Promise<Opened> {
  const opened = await openInMemory(settings);
  const guarded = new GuardedEngine(opened.engine, { fast: false });
  return { ...opened, engine: new MeasuredEngine(guarded, () => undefined) };
}

/** Takes a snapshot after every fact and at every stop, and empties segments as soon as it can. */
function openSnapshotting(settings: EngineSettings): Promise<Opened> {
  const housekeeping = { snapshotAfterBytes: 1, snapshotAfterAtMostBytes: 1, snapshotAtStopAfterBytes: 0 };
  return openOnDisk({ ...settings, housekeeping }, 4_096);
}

async function openOnDisk(firstSettings: EngineSettings, segmentBytes = 65_536): Promise<Opened> {
  const random = new SeededRandom(1);
  const clock = new SimulatedClock();
  const log = new RecordingLog();
  let settings = firstSettings;
  let disk = new FaultyDisk(random);
  const open = (): Promise<Engine> => {
    const runtime = { clock, log, random, disk };
    const journal: Journal = new FileJournal(runtime, {
      directory: "/data",
      version: "0.0.0-test",
      segmentBytes,
    });
    return openEmbeddedEngine({ journal, runtime, settings, waitClocks: [clock] });
  };
  let engine = await open();
  return {
    clock,
    log,
    engine,
    restart: async ({ crash, settings: changed = settings }) => {
      settings = { ...firstSettings, ...changed };
      if (crash) disk = disk.crash("lost");
      else await engine.stop();
      engine = await open();
      return engine;
    },
    holdSyncs: () => disk.holdSyncs(),
    releaseSyncs: () => disk.releaseSyncs(),
    failNextSync: () => disk.failNext("sync", "EIO"),
  };
}
