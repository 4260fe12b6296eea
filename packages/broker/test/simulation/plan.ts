import type { EngineSettings } from "../../src/embedded/settings.ts";
import { DEFAULTS } from "../conformance/bench.ts";
import { type Dice, SIZE_LIMIT } from "./dice.ts";

/** What a step of a seed may be, and how often it is. */
const OPERATIONS = {
  publish: 24,
  publishOrdered: 24,
  publishDelayed: 12,
  publishHalf: 16,
  burst: 8,
  receive: 28,
  receiveInOrder: 32,
  receiveDead: 6,
  wait: 12,
  hangUp: 4,
  acknowledge: 32,
  acknowledgeOld: 6,
  acknowledgeAtDeadline: 6,
  giveBack: 10,
  check: 16,
  end: 18,
  race: 4,
  declareLate: 2,
  changeRetries: 4,
  advance: 32,
  advanceFar: 4,
  stepClock: 3,
  restart: 1,
  kill: 1,
  cutPower: 2,
  failDisk: 2,
  rot: 1,
  rotUnderLoad: 1,
  fillDisk: 4,
  freeDisk: 6,
} as const;

export type Operation = keyof typeof OPERATIONS;

const ALWAYS: ReadonlySet<Operation> = new Set(["publish", "receive", "acknowledge", "advance"]);
/** While every answer takes its time nobody may wait: what he was given could not be told from what he would have been given later. */
const ONLY_WHERE_SPACE_IS_WATCHED: ReadonlySet<Operation> = new Set(["fillDisk", "freeDisk"]);
const NEVER_ON_A_SLOW_DISK: ReadonlySet<Operation> = new Set(["wait", "hangUp"]);

/** Faults that are no steps of their own; the shrinker leaves them out one by one too. */
export const FAULTS = ["faults at starts", "slow disk", "tags", "size limit"] as const;

export type Fault = (typeof FAULTS)[number];

export interface Step {
  /** Of the seed's own steps, also where others are left out. */
  readonly index: number;
  readonly operation: Operation;
}

/** Everything about a seed that is drawn before it begins; operations and settings are left out at random (swarm). */
export interface Plan {
  readonly seed: number;
  readonly settings: EngineSettings;
  readonly groups: readonly ("GID_retrying" | "GID_blocking" | "GID_late")[];
  readonly usesTags: boolean;
  readonly segmentBytes: number;
  /** For a write and for a sync; 0: the disk takes no time. */
  readonly diskTakesUpTo: number;
  readonly failsAtStarts: boolean;
  /** DUR-3; 0: the space is not watched. */
  readonly reserveBytes: number;
  /** After every so-manieth step the ledger that lives is held against one rebuilt from the journal. */
  readonly comparesEvery: number;
  readonly operations: readonly Operation[];
  readonly steps: readonly Step[];
}

const DAYS = 3 * 86_400_000;

interface Wanted extends Pick<Plan, "seed" | "comparesEvery"> {
  /** These steps of the seed. */
  readonly indices: readonly number[];
  /** Every fault that the seed draws but for these. */
  readonly without: readonly Fault[];
}

export function drawPlan(dice: Dice, { seed, indices, without, comparesEvery }: Wanted): Plan {
  const settings: EngineSettings = {
    ...DEFAULTS,
    invisibleFor: dice.pick([5_000, 30_000]),
    orderedInvisibleFor: dice.pick([2_000, 20_000]),
    blockedInvisibleFor: 7_000,
    giveBacksBeforeDelivery: dice.pick([2, 5]),
    checkFor: dice.pick([25_000, 120_000]),
    maxRetries: dice.pick([0, 2, 5]),
    retentionAge: dice.pick([DAYS, DAYS, 400_000, 1_500_000]),
    ageRestsFor: dice.pick([60_000, 3_600_000]),
    ...(dice.oneIn(3) ? {} : { housekeeping: drawHousekeeping(dice) }),
  };
  const usesTags = dice.oneIn(3) && !without.includes("tags");
  const segmentBytes = 2_048 + dice.below(30_000);
  const isSlow = dice.oneIn(8);
  const reserveBytes = dice.oneIn(5) ? 65_536 : 0;
  const failsAtStarts = !dice.oneIn(4) && !without.includes("faults at starts");
  const groups = (["GID_retrying", "GID_blocking", "GID_late"] as const).filter(
    (group) => group === "GID_retrying" || dice.oneIn(2),
  );
  const names = Object.keys(OPERATIONS) as Operation[];
  const operations = names
    .filter((name) => ALWAYS.has(name) || !dice.oneIn(4))
    .filter((name) => reserveBytes > 0 || !ONLY_WHERE_SPACE_IS_WATCHED.has(name))
    .filter((name) => !isSlow || !NEVER_ON_A_SLOW_DISK.has(name));
  const weighted = operations.flatMap((name) => Array.from({ length: OPERATIONS[name] }, () => name));
  const steps = indices.map((index) => {
    dice.turnTo(index);
    return { index, operation: dice.pick(weighted) };
  });
  dice.turnTo(SIZE_LIMIT);
  const retentionBytes = dice.oneIn(4) && !without.includes("size limit") ? drawSizeLimit(dice) : undefined;
  const diskTakesUpTo = isSlow && !without.includes("slow disk") ? 400 : 0;
  return {
    seed,
    settings: { ...settings, retentionBytes },
    groups,
    usesTags,
    segmentBytes,
    diskTakesUpTo,
    failsAtStarts,
    reserveBytes,
    comparesEvery,
    operations,
    steps,
  };
}

/** Most seeds write more than that in all; what may not be dropped takes some of it. */
function drawSizeLimit(dice: Dice): number {
  return dice.pick([2_000, 12_000, 12_000, 30_000]) + dice.below(20_000);
}

/** Snapshots and rounds far more often than anybody would want them. */
function drawHousekeeping(dice: Dice): NonNullable<EngineSettings["housekeeping"]> {
  const snapshotAfterBytes = 2_000 + dice.below(20_000);
  return {
    snapshotAfterBytes,
    snapshotAfterAtMostBytes: 2 * snapshotAfterBytes,
    snapshotAtStopAfterBytes: dice.pick([1, 1_000, 1e9]),
    roundEvery: dice.pick([10_000, 60_000]),
    roundAfterDrop: 100,
  };
}
