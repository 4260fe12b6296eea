import type { AppliedFact, Fact } from "../../src/embedded/journal/fact.ts";
import { FileJournal, type FileJournalOptions } from "../../src/embedded/journal/file-journal.ts";
import type { Disk } from "../../src/runtime/disk.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import type { FaultyDisk } from "../../src/testing/faulty-disk.ts";
import { RecordingLog } from "../../src/testing/recording-log.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { SimulatedClock } from "../../src/testing/simulated-clock.ts";

export const DIRECTORY = "/srv/shop/.stagemq";
export const FIRST_SEGMENT = `${DIRECTORY}/00000001.seg`;

/** The world of a test, but the disk, which changes with every crash. */
export function aWorld(seed = 1) {
  return { clock: new SimulatedClock(), random: new SeededRandom(seed), log: new RecordingLog() };
}

/** Opens a journal and replays it: a start of the broker. */
export async function openJournal(
  world: Omit<Runtime, "disk">,
  disk: Disk,
  options: Partial<FileJournalOptions> = {},
  afterSlice: () => Promise<void> = async () => {},
): Promise<{ journal: FileJournal; replayed: AppliedFact[] }> {
  const journal = new FileJournal({ ...world, disk }, { directory: DIRECTORY, version: "0.1.0", ...options });
  await journal.open();
  const replayed: AppliedFact[] = [];
  for await (const slice of journal.replay()) {
    replayed.push(...slice.map(({ fact }) => fact));
    await afterSlice();
  }
  return { journal, replayed };
}

/** A fact that is told from others by its number. */
export function aFact(number: number, body = `body ${number}`): Fact {
  return {
    kind: "message-stored",
    topic: 1,
    queue: 0,
    offset: number,
    messageId: number.toString(16).toUpperCase().padStart(32, "0"),
    message: { body, tag: "", key: "k", properties: [["a", "1"]] },
    publishedAt: 1_795_232_468_210,
  };
}

export function numbersOf(facts: readonly AppliedFact[]): number[] {
  return facts.map((fact) => (fact.kind === "message-stored" ? fact.offset : -1));
}

/** Lets work go on for as long as the disk lives. */
export async function untilDead(disk: FaultyDisk, work: Promise<unknown>): Promise<void> {
  let ended = false;
  const watched = work.finally(() => {
    ended = true;
  });
  for (let turn = 0; turn < 20_000 && !disk.isDead && !ended; turn++) await undefined;
  if (ended) await watched;
}
