import { parseArgs } from "node:util";
import { cleanUp } from "../../process/broker-process.ts";
import { drawInput, type FuzzInput } from "./draw-input.ts";
import { type FuzzFailure, type FuzzReport, fuzz, tryAlone } from "./fuzz.ts";
import { shrinkInput } from "./shrink-input.ts";

/**
 * Sends a real broker hostile bytes over raw sockets: `--inputs` of them, as `--seed` says. What fails is tried alone, made as small as
 * it gets and printed in hex; `--seed S --input N` sends that one again. Exit code 1 when anything was wrong.
 */
const { values: given } = parseArgs({
  options: { inputs: { type: "string", default: "20000" }, seed: { type: "string" }, input: { type: "string" } },
});

const TELL_EVERY = 20_000;
const EXPLAINED = 2;
const seed = Number(given.seed ?? Date.now() % 1_000_000);
const startedAt = performance.now();
let told = 0;

const failures = given.input === undefined ? await fuzzAll(Number(given.inputs)) : await sendOne(Number(given.input));
await cleanUp();
process.exitCode = failures.length > 0 ? 1 : 0;

async function fuzzAll(inputs: number): Promise<readonly FuzzFailure[]> {
  console.log(`${inputs} inputs of seed ${seed}`);
  const report = await fuzz({ seed, inputs, onProgress });
  tell(report);
  for (const [place, { number, wrong }] of report.failures.entries()) {
    console.log(`\n${number === undefined ? "WRONG" : `WRONG, input ${number}`}: ${wrong.slice(0, 2_000)}`);
    if (number !== undefined && place < EXPLAINED) await explain(number);
  }
  return report.failures;
}

function onProgress(now: FuzzReport): void {
  if (now.sent < told + TELL_EVERY) return;
  told = now.sent;
  tell(now);
}

async function sendOne(number: number): Promise<readonly FuzzFailure[]> {
  const input = drawInput(seed, number);
  print(input);
  const wrong = await tryAlone(input);
  console.log(wrong ?? "nothing is wrong with the answer to it alone");
  return wrong === undefined ? [] : [{ number, wrong }];
}

function tell({ sent, responses, statuses, kept, failures: wrong }: FuzzReport): void {
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  const counts = [...statuses].sort(([a], [b]) => a - b).map(([status, times]) => `${status}×${times}`);
  console.log(
    `${sent} inputs in ${seconds} s, ${responses} responses (${counts.join(" ")}), ${kept} messages kept, ${wrong.length} wrong`,
  );
}

async function explain(number: number): Promise<void> {
  console.log(`again with: npm run fuzz -- --seed ${seed} --input ${number}`);
  const input = drawInput(seed, number);
  if ((await tryAlone(input)) === undefined) {
    console.log("alone it does no harm");
    print(input);
    return;
  }
  print(await shrinkInput(input, async (candidate) => (await tryAlone(candidate)) !== undefined));
}

function print({ pieces, afterwards }: FuzzInput): void {
  for (const piece of pieces)
    console.log(`  ${piece.toString("hex")}\n  ${JSON.stringify(piece.toString("latin1").slice(0, 1_000))}`);
  console.log(`  then ${afterwards}`);
}
