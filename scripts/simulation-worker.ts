import { cpuUsage } from "node:process";
import type { Sometimes } from "../packages/broker/test/simulation/history.ts";
import { type SeedReport, simulate } from "../packages/broker/test/simulation/simulate.ts";

/** Which seeds a worker lives through: every `stride`-th from `first` on. */
export interface Share {
  readonly first: number;
  readonly stride: number;
  readonly count: number;
  readonly steps: number;
  /** Every so-manieth seed is lived through twice, to see that it is the same life. */
  readonly replayEvery: number;
  /** By the wall clock; but not before so many were lived through. */
  readonly until: number;
  readonly least: number;
}

export type WorkerMessage =
  | {
      readonly kind: "lived";
      readonly seed: number;
      readonly lives: number;
      readonly cpuMs: number;
      readonly met: readonly (readonly [Sometimes, number])[];
      /** Unset: every promise held. */
      readonly failure?: string;
    }
  | { readonly kind: "done" };

process.once("message", (share: Share) => {
  liveThrough(share).then(
    () => process.disconnect(),
    (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
      process.disconnect();
    },
  );
});

async function liveThrough({ first, stride, count, steps, replayEvery, until, least }: Share): Promise<void> {
  for (let lived = 0; lived < count && (lived < least || Date.now() < until); lived++) {
    const seed = first + lived * stride;
    const before = cpuUsage();
    const report = await simulate({ seed, steps });
    const isReplayed = lived % replayEvery === 0;
    const failure = report.failure?.message ?? (isReplayed ? await differenceOf(report, steps) : undefined);
    const { user, system } = cpuUsage(before);
    tell({
      kind: "lived",
      seed,
      lives: isReplayed ? 2 : 1,
      cpuMs: (user + system) / 1_000,
      met: [...report.history.counts],
      ...(failure === undefined ? {} : { failure }),
    });
  }
  tell({ kind: "done" });
}

async function differenceOf({ seed, history }: SeedReport, steps: number): Promise<string | undefined> {
  const again = await simulate({ seed, steps });
  if (again.history.digest === history.digest) return undefined;
  return `does not replay: ${history.digest}, then ${again.history.digest}`;
}

function tell(message: WorkerMessage): void {
  process.send?.(message);
}
