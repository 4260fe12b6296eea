import type { Results, Sample } from "../run/results.ts";
import type { Settings } from "../run/settings.ts";
import type { Measured, Team } from "../run/team.ts";

/** What a workload works with. */
export interface Bench {
  readonly settings: Settings;
  readonly results: Results;
  readonly team: Team;
  /** A new directory for a server that the team does not have. */
  newDirectory(): string;
  /** Before each turn: false once the time is up, which the report then says. */
  hasTimeFor(what: string): boolean;
  /** How long a turn may still take that nothing else bounds. */
  timeLeftMs(): number;
  /** Whether a workload is to be measured. */
  isWanted(workload: string): boolean;
  /** To standard error. */
  tell(line: string): void;
  record(sample: Sample): void;
}

export interface Workload {
  readonly does: string;
  /** Whether it is stagemq's alone: then nothing else is up meanwhile. */
  readonly alone: boolean;
  run(bench: Bench): Promise<void>;
}

export const PUBLISHERS = 64;
export const CONSUMERS = 16;
export const BODY_BYTES = 500;
/** A turn that publishes is followed by one that consumes it, which may take longer on some. */
export const CONSUME_AT_MOST = 3;

/** What is said of every turn: its rate, and what each message cost the server. */
export function toFigures({
  result,
  used,
}: Measured<{ count: number; seconds: number; clientShare: number }>): Record<string, number> {
  return {
    perSecond: result.count / result.seconds,
    microsEach: used.processorMicros / result.count,
    writtenBytesEach: used.writtenBytes / result.count,
    residentMegabytes: used.residentMegabytes,
    serverShare: used.processorMicros / 1_000_000 / result.seconds,
    clientShare: result.clientShare,
  };
}

/** Rounds from 0, which only warms up and is not recorded. */
export function roundsOf({ rounds }: Settings): number[] {
  return Array.from({ length: rounds + 1 }, (_, round) => round);
}
