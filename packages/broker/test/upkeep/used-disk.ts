import type { Findings } from "../../src/embedded/upkeep/findings.ts";
import { inspectData } from "../../src/embedded/upkeep/inspect-data.ts";
import type { RepairPlan } from "../../src/embedded/upkeep/plan-repair.ts";
import { type Repaired, repairData } from "../../src/embedded/upkeep/repair-data.ts";
import { FaultyDisk } from "../../src/testing/faulty-disk.ts";
import { RecordingLog } from "../../src/testing/recording-log.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { SimulatedClock } from "../../src/testing/simulated-clock.ts";
import type { Bench } from "../conformance/bench.ts";
import { openOnDisk } from "../conformance/open-embedded.ts";

const VERSION = "0.0.0-test";
export const DIRECTORY = "/data";
const SEGMENT_BYTES = 4_096;

/** A disk on which a broker has worked, in small segments; between two starts it can be spoilt, inspected and repaired. */
export class UsedDisk {
  readonly random: SeededRandom;
  readonly clock = new SimulatedClock();
  disk: FaultyDisk;

  constructor(seed = 1) {
    this.random = new SeededRandom(seed);
    this.disk = new FaultyDisk(this.random);
  }

  /** Starts a broker. Snapshots are taken each time the journal has grown by so much. */
  open({ snapshotAfterBytes = Number.POSITIVE_INFINITY } = {}): Promise<Bench> {
    const housekeeping = {
      snapshotAfterBytes,
      snapshotAfterAtMostBytes: snapshotAfterBytes,
      snapshotAtStopAfterBytes: snapshotAfterBytes,
    };
    const world = { clock: this.clock, random: this.random, settings: { housekeeping } };
    return openOnDisk(this.disk, world, { segmentBytes: SEGMENT_BYTES });
  }

  /** The same files on a disk of their own. */
  copy(): UsedDisk {
    const copy = new UsedDisk(2);
    for (const path of this.disk.paths()) copy.disk.plant(path, this.disk.bytesOf(path));
    return copy;
  }

  paths(pattern: RegExp): string[] {
    return this.disk.paths().filter((path) => path.startsWith(`${DIRECTORY}/`) && pattern.test(path));
  }

  /** Where this text stands, and in which file. */
  find(text: string, pattern = /\.seg$/): { readonly path: string; readonly at: number } {
    for (const path of this.paths(pattern)) {
      const at = this.disk.bytesOf(path).indexOf(text);
      if (at >= 0) return { path, at };
    }
    throw new Error(`${text} stands nowhere`);
  }

  /** Rots one bit of this text. */
  spoil(text: string): void {
    const { path, at } = this.find(text);
    this.disk.flipBit(path, at * 8);
  }

  inspect(): Promise<Findings> {
    return inspectData(this.disk, { directory: DIRECTORY, version: VERSION });
  }

  repair(
    agrees: (findings: Findings, plan: RepairPlan) => Promise<boolean> = async () => true,
    copiesTo: string | undefined = undefined,
  ): Promise<Repaired> {
    const runtime = { disk: this.disk, clock: this.clock, random: this.random, log: new RecordingLog() };
    return repairData(runtime, { directory: DIRECTORY, version: VERSION, copiesTo }, agrees);
  }
}

/** Everything that a group is given, acknowledged as it comes. */
export async function drain(bench: Bench, group: string, topic = "orders"): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const received = await bench.receive({ group, topic });
    if (received.length === 0) return bodies;
    bodies.push(...received.map(({ message }) => message.body));
    await bench.acknowledge(received, { group, topic });
  }
}

export function numbered(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `body-${from + index}.${"x".repeat(60)}`);
}
