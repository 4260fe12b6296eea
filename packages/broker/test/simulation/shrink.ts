import { FAULTS, type Fault } from "./plan.ts";
import { type SeedOptions, type SeedReport, simulate } from "./simulate.ts";

/** A failing seed with as few steps and faults as were found in time. */
export interface Shrunk {
  readonly report: SeedReport;
  readonly steps: readonly number[];
  readonly without: readonly Fault[];
}

/** Leaves out faults and steps, ever fewer at once, as long as the same promise is broken and `mayGoOn`. */
export async function shrink(options: SeedOptions, report: SeedReport, mayGoOn: () => boolean): Promise<Shrunk> {
  let least: Shrunk = { report, steps: report.plan.steps.map(({ index }) => index), without: options.without ?? [] };

  const failsToo = async (smaller: Pick<Shrunk, "steps" | "without">): Promise<boolean> => {
    if (!mayGoOn()) return false;
    const tried = await simulate({ ...options, ...smaller });
    if (tried.failure === undefined || promiseOf(tried.failure) !== promiseOf(report.failure)) return false;
    least = { ...smaller, report: tried };
    return true;
  };

  for (const fault of FAULTS) {
    if (!least.without.includes(fault)) await failsToo({ ...least, without: [...least.without, fault] });
  }
  for (let size = Math.ceil(least.steps.length / 2); size >= 1 && mayGoOn(); size = Math.floor(size / 2)) {
    // From behind: what comes after the failure goes first.
    for (let end = least.steps.length; end > 0 && mayGoOn(); end -= size) {
      const from = Math.max(0, end - size);
      await failsToo({ ...least, steps: [...least.steps.slice(0, from), ...least.steps.slice(end)] });
    }
  }
  return least;
}

/** The rule that a violation names, or the beginning of what else was said. */
export function promiseOf(failure: Error | undefined): string {
  return failure?.message.match(/^[A-Za-z]+-?[\d.]*/)?.[0] ?? "";
}
