import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../run/places.ts";
import type { Results } from "../run/results.ts";
import { writeChart } from "./chart.ts";
import { writeTables } from "./tables.ts";

const FOLDER = join(ROOT, "docs/operating");
const PAGE = join(FOLDER, "performance-report.md");
const CHART = join(FOLDER, "performance.svg");
/** What others have written on the page by hand stands below this line, and stays. */
const BY_HAND = "<!-- Below this line the page is written by hand. -->";

/** Writes `docs/operating/performance-report.md` and the chart in it. */
export function writePage(results: Results): readonly string[] {
  const before = existsSync(PAGE) ? readFileSync(PAGE, "utf8") : "";
  const byHand = before.includes(BY_HAND) ? before.slice(before.indexOf(BY_HAND)) : `${BY_HAND}\n`;
  const head = [
    "# Performance report",
    "",
    "stagemq beside its peers on one machine, each started by the suite on loopback with the durability that stands beside it.",
    "Written by `npm run bench -- --full --page`; what the suite does stands in [`bench/README.md`](../../bench/README.md).",
    "",
    "![Durable publishes, and messages consumed and acknowledged, a second](performance.svg)",
  ].join("\n");
  writeFileSync(PAGE, `${head}\n\n${writeTables(results)}\n\n${byHand}`);
  writeFileSync(CHART, writeChart(results));
  return [PAGE, CHART];
}
