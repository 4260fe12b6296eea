import { Dice, machineRandom } from "./dice.ts";
import { History } from "./history.ts";
import { drawPlan, type Fault, type Plan } from "./plan.ts";
import { SimulatedBroker, type Spoil } from "./simulated-broker.ts";
import { Workload } from "./workload/workload.ts";

export interface SeedOptions {
  readonly seed: number;
  /** How many steps, or which of them. */
  readonly steps?: number | readonly number[];
  readonly without?: readonly Fault[];
  readonly spoil?: Spoil;
  /** After every so-manieth step the ledger that lives is held against one rebuilt from the journal: that is dear. */
  readonly comparesEvery?: number;
}

export interface SeedReport {
  readonly seed: number;
  readonly plan: Plan;
  readonly history: History;
  /** What went wrong; undefined where every promise held. */
  readonly failure: Error | undefined;
}

export const STEPS = 500;
const COMPARES_EVERY = 200;

/** One history, drawn from its seed alone: workload, faults, then healing. */
export async function simulate({
  seed,
  steps = STEPS,
  without = [],
  spoil = {},
  comparesEvery = COMPARES_EVERY,
}: SeedOptions): Promise<SeedReport> {
  const history = new History();
  const dice = new Dice(seed);
  const indices = typeof steps === "number" ? Array.from({ length: steps }, (_, index) => index) : steps;
  const plan = drawPlan(dice, { seed, indices, without, comparesEvery });
  const { steps: drawn, ...options } = plan;
  history.note("options", options, { steps: drawn.length });
  const broker = new SimulatedBroker(machineRandom(seed), plan, spoil, (event, fields) => history.heard(event, fields));
  const failure = await failureOf(() => new Workload(plan, dice, broker, history).run());
  return { seed, plan, history, failure };
}

async function failureOf(run: () => Promise<void>): Promise<Error | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
