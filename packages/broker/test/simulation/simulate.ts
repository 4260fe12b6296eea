import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { History } from "./history.ts";
import { SimulatedBroker, type Spoil } from "./simulated-broker.ts";
import { Workload } from "./workload.ts";

export interface SeedOptions {
  readonly seed: number;
  readonly steps?: number;
  readonly spoil?: Spoil;
}

export interface SeedReport {
  readonly seed: number;
  readonly steps: number;
  readonly history: History;
  /** What went wrong; undefined where every promise held. */
  readonly failure: Error | undefined;
}

export const STEPS = 500;

/** One history, drawn from its seed alone: workload, faults, then healing. */
export async function simulate({ seed, steps = STEPS, spoil }: SeedOptions): Promise<SeedReport> {
  const random = new SeededRandom(seed + 2 ** 32);
  const history = new History();
  const broker = new SimulatedBroker(random, 2_048 + random.below(30_000), spoil);
  const failure = await failureOf(() => new Workload(seed, broker, history).run(steps));
  history.met("torn tail cut", broker.cuts);
  return { seed, steps, history, failure };
}

async function failureOf(run: () => Promise<void>): Promise<Error | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
