import { StartError } from "../../domain/start-error.ts";
import type { Disk } from "../../runtime/disk.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { parseSegmentName, SEGMENT_HEADER_BYTES, type SegmentHeader, segmentName } from "../journal/segment.ts";
import { snapshotName } from "../journal/snapshot-file.ts";
import { copyFile } from "./copy-file.ts";
import { describeDamage } from "./damage.ts";
import { findData, lockAlone, saying } from "./data-files.ts";
import type { Findings } from "./findings.ts";
import { giveUpMessages } from "./give-up-messages.ts";
import { inspectData } from "./inspect-data.ts";
import { fillGap, type Gap, segmentsFor, type UnreadableRun, writeHeader } from "./mend-segment.ts";
import { planRepair, type RepairPlan, type RepairStep } from "./plan-repair.ts";
import { NOBODY_WATCHES, type Progress } from "./progress.ts";

/** What one repair uncovers, such as a snapshot beyond the cut, the next one repairs. */
const MAX_ROUNDS = 4;

export interface RepairOptions {
  readonly directory: string;
  readonly version: string;
  /** Where what is removed is kept; undefined: nowhere. */
  readonly copiesTo: string | undefined;
}

export interface Repaired {
  /** As it is now. */
  readonly findings: Findings;
  /** False where somebody did not agree. */
  readonly isDone: boolean;
}

/** Looks, says what it would do, and does it if `agrees`, until a start finds nothing wrong any more. No broker may run. */
export async function repairData(
  runtime: Runtime,
  options: RepairOptions,
  agrees: (findings: Findings, plan: RepairPlan) => Promise<boolean>,
  progress: Progress = NOBODY_WATCHES,
): Promise<Repaired> {
  const { directory } = options;
  return await saying(directory, async () => {
    await findData(runtime.disk, directory, options.version);
    for (let round = 1; ; round++) {
      const seen = await alone(runtime.disk, directory, async () => {
        const findings = await inspectData(runtime.disk, options, progress);
        const [damage] = findings.damages;
        if (damage === undefined) return { findings, isDone: true };
        const plan = planRepair(findings);
        if (plan.obstacle !== undefined) throw new StartError(1, plan.obstacle);
        if (round > MAX_ROUNDS) throw new StartError(70, `The repair did not help: ${describeDamage(damage)}.`);
        if (!(await agrees(findings, plan))) return { findings, isDone: false };
        for (const step of plan.steps) await beginStep(runtime, options, step);
        await runtime.disk.syncDirectory(directory);
        return { findings, plan };
      });
      if (seen.plan === undefined) return seen;
      const { steps } = seen.plan;
      const givesUp = steps.some(({ sort }) => sort === "fill" || sort === "rebuild" || sort === "give-up");
      if (givesUp) await giveUpMessages(runtime, options, seen.findings);
      await alone(runtime.disk, directory, async () => {
        for (const step of steps) if (step.sort === "fill") await fill(runtime.disk, options, step.gap);
      });
    }
  });
}

/** Reads a directory that no broker may use meanwhile. */
export async function inspectAlone(
  disk: Disk,
  options: { readonly directory: string; readonly version: string },
  progress: Progress,
): Promise<Findings> {
  const { directory } = options;
  return await saying(directory, async () => {
    // Before the lock: it would make the directory look like one of ours.
    await findData(disk, directory, options.version);
    return await alone(disk, directory, () => inspectData(disk, options, progress));
  });
}

async function alone<T>(disk: Disk, directory: string, work: () => Promise<T>): Promise<T> {
  const lock = await lockAlone(disk, directory);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/** What must be done before the directory can be opened at all. */
async function beginStep({ disk, random }: Runtime, options: RepairOptions, step: RepairStep): Promise<void> {
  const { directory } = options;
  switch (step.sort) {
    case "remove-snapshot":
      return await removeFile(disk, options, snapshotName(step.position));
    case "write-head": {
      const name = segmentName(step.header.number);
      await keepBytes(disk, options, name, 0, SEGMENT_HEADER_BYTES);
      return await writeHeader(disk, `${directory}/${name}`, step.header);
    }
    case "cut":
      return await cut(disk, options, step);
    case "fill": {
      const { bytes } = await disk.stat(`${directory}/${segmentName(step.gap.header.number)}`);
      // A segment without its end does not lead to the next one. Of the others the sound messages are saved first.
      return step.gap.to > bytes ? await fill(disk, options, step.gap) : undefined;
    }
    case "rebuild":
      return await rebuild(disk, options, segmentsFor(step.run, () => random.below(2 ** 32)) ?? []);
    case "forget":
      return await forget(disk, options, step.run);
    case "give-up":
      return undefined;
  }
}

async function cut(
  disk: Disk,
  options: RepairOptions,
  { segment, offset }: { readonly segment: number; readonly offset: number },
): Promise<void> {
  const { directory } = options;
  const numbers = (await disk.list(directory)).map(parseSegmentName).filter((number) => number !== undefined);
  // The newest first: what a power cut leaves of this is a journal that ends too early, and never one with a hole.
  for (const number of numbers.toReversed()) {
    if (number > segment || (number === segment && offset === 0)) await removeFile(disk, options, segmentName(number));
  }
  if (offset === 0) return;
  const name = segmentName(segment);
  const { bytes } = await disk.stat(`${directory}/${name}`);
  await keepBytes(disk, options, name, offset, bytes);
  const file = await disk.open(`${directory}/${name}`, "append");
  try {
    await file.truncate(offset);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function rebuild(
  disk: Disk,
  options: RepairOptions,
  segments: readonly { readonly header: SegmentHeader; readonly bytes: Buffer }[],
): Promise<void> {
  const there = await disk.list(options.directory);
  for (const { header, bytes } of segments) {
    const name = segmentName(header.number);
    if (there.includes(name)) await removeFile(disk, options, name);
    const file = await disk.open(`${options.directory}/${name}`, "create");
    try {
      await file.append(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

/** The oldest segments, as if their retention were over; the oldest first, so that there is never a hole. */
async function forget(disk: Disk, options: RepairOptions, { first, last }: UnreadableRun): Promise<void> {
  for (let number = first; number <= last; number++) await removeFile(disk, options, segmentName(number));
}

async function fill(disk: Disk, options: RepairOptions, gap: Gap): Promise<void> {
  const name = segmentName(gap.header.number);
  await keepBytes(disk, options, name, gap.from, gap.to);
  await fillGap(disk, `${options.directory}/${name}`, gap);
}

async function removeFile(disk: Disk, { directory, copiesTo }: RepairOptions, name: string): Promise<void> {
  if (copiesTo !== undefined) {
    await disk.makeDirectory(copiesTo);
    await disk.remove(`${copiesTo}/${name}`);
    await copyFile(disk, `${directory}/${name}`, `${copiesTo}/${name}`);
    await disk.syncDirectory(copiesTo);
  }
  await disk.remove(`${directory}/${name}`);
}

/** Keeps a copy of some bytes of a file that are about to be written over or cut. */
async function keepBytes(
  disk: Disk,
  { directory, copiesTo }: RepairOptions,
  name: string,
  from: number,
  to: number,
): Promise<void> {
  if (copiesTo === undefined) return;
  await disk.makeDirectory(copiesTo);
  const path = `${copiesTo}/${name}.from-${from}`;
  await disk.remove(path);
  await copyFile(disk, `${directory}/${name}`, path, { from, to });
  await disk.syncDirectory(copiesTo);
}
