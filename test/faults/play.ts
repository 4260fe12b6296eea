import { SeededRandom } from "../crash/seeded-random.ts";
import { cleanUp, endAll } from "../process/broker-process.ts";
import type { Form } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";
import { undoAll } from "./ways-out.ts";

/** `play.ts NAME FORM SEED`: plays one scenario in this process and tells the parent how it went; leaves nothing behind. */
const [name, form, seed] = process.argv.slice(2);
const scenario = SCENARIOS.find((one) => one.name === name);
if (scenario === undefined) throw new Error(`there is no scenario ${name}`);

let leaving: Promise<void> | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, leave);
process.once("disconnect", leave);

const outcome = await scenario.play(form as Form, new SeededRandom(Number(seed))).then(
  (figures) => ({ figures }),
  (error: unknown) => ({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
);
await new Promise((resolve) => process.send?.(outcome, resolve));
await leave();

/** A second signal does not hurry the first. */
async function leave(): Promise<void> {
  leaving ??= clearAway();
  await leaving;
  process.exit();
}

async function clearAway(): Promise<void> {
  // What they use can be unmounted only then, and what is mounted cannot be removed.
  await endAll();
  await undoAll();
  await cleanUp();
}
