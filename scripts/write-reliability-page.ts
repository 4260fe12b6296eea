import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Form } from "../test/faults/scenario.ts";
import { SCENARIOS } from "../test/faults/scenarios.ts";

/** How one scenario went. */
export interface Outcome {
  readonly name: string;
  readonly form: Form;
  readonly commit: string;
  readonly seed: number;
  readonly seconds: number;
  /** When it ended: an ISO date. */
  readonly at: string;
  readonly verdict: "ok" | "FAILED" | "left out";
  readonly figures: Readonly<Record<string, number | string>>;
  /** It failed or was left out. */
  readonly why?: string;
}

const PAGE = join(import.meta.dirname, "../docs/operating/reliability-report.md");
/** What others have written on the page by hand stands below this line, and stays. */
const BY_HAND = "<!-- Below this line the page is written by hand. -->";

export function readOutcomes(file: string): Outcome[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Outcome);
}

/** The newest full outcome of each scenario. */
export function writeReliabilityPage(outcomes: readonly Outcome[]): void {
  const full = outcomes.filter(({ form }) => form === "full");
  const rows = SCENARIOS.map((scenario) => {
    const last = full.findLast(({ name }) => name === scenario.name);
    const figures = last === undefined ? "not run" : (last.why ?? formatFigures(last)).split("\n")[0];
    const run = last === undefined ? "" : `${last.commit}, ${last.at.slice(0, 10)}, ${last.seconds} s, ${last.seed}`;
    const cells = [scenario.name, scenario.does, last?.verdict ?? "**not run**", figures, run];
    return `| ${cells.map((cell) => (cell ?? "").replaceAll("|", "\\|")).join(" | ")} |`;
  });
  const before = existsSync(PAGE) ? readFileSync(PAGE, "utf8") : "";
  const byHand = before.includes(BY_HAND) ? before.slice(before.indexOf(BY_HAND)) : `${BY_HAND}\n`;
  const head = [
    "# Reliability report",
    "",
    "Faults done to real broker processes at the large setting, two cores, clients on the same machine. Written by",
    "`npm run test:faults -- --page` from what `npm run test:faults -- --full` has measured; one scenario again:",
    "`npm run test:faults -- --full --only NAME --seed SEED`. What each does stands in `test/faults/scenarios/`.",
    "",
    "| scenario | what is done | verdict | figures | commit, day, time, seed |",
    "|---|---|---|---|---|",
    ...rows,
    "",
    "",
  ].join("\n");
  writeFileSync(PAGE, head + byHand);
}

function formatFigures({ figures }: Outcome): string {
  return Object.entries(figures)
    .map(([what, value]) => `${what} ${value}`)
    .join(", ");
}
