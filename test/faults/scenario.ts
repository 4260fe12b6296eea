import type { SeededRandom } from "../crash/seeded-random.ts";
import type { Figures } from "./front-door/figures.ts";
import type { Requirement } from "./requirements.ts";

export type Form = "short" | "full";

/** One sort of fault, done to a real broker process; it fails unless what is promised holds. */
export interface Scenario {
  readonly name: string;
  /** A sentence for the report. */
  readonly does: string;
  readonly needs: readonly Requirement[];
  /** How many of two cores it keeps busy. */
  readonly cores: number;
  /** It hangs if it takes longer. */
  readonly withinS: Readonly<Record<Form, number>>;
  play(form: Form, random: SeededRandom): Promise<Figures>;
}

interface Plan<Setting> extends Omit<Scenario, "play" | "withinS" | "cores" | "needs"> {
  readonly needs?: readonly Requirement[];
  readonly cores?: number;
  /** Some seconds within which it must end, and how much is done. */
  readonly short: Setting & { readonly withinS: number };
  readonly full: Setting & { readonly withinS: number };
  readonly run: (setting: Setting, random: SeededRandom) => Promise<Figures>;
}

export function scenario<Setting>(plan: Plan<Setting>): Scenario {
  const { name, does, needs = [], cores = 1, short, full, run } = plan;
  return {
    name,
    does,
    needs,
    cores,
    withinS: { short: short.withinS, full: full.withinS },
    play: (form, random) => run(form === "full" ? full : short, random),
  };
}
