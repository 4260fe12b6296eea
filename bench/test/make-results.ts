import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Results, type RunHead, type Sample } from "../run/results.ts";

const HEAD: RunHead = {
  form: "full",
  commit: "abc1234",
  at: "2026-11-21T04:02:37.000Z",
  command: "npm run bench -- --full",
  machine: {
    processor: "A processor",
    cores: 2,
    memoryGigabytes: 8,
    system: "Debian",
    node: "20.20.2",
    pinned: true,
    syncMs: 0.1,
  },
};

/** A file of results, as a run would have written it. */
export function makeResults(samples: readonly Sample[], head: Partial<RunHead> = {}): Results {
  const directory = mkdtempSync(join(tmpdir(), "stagemq-bench-test-"));
  process.once("exit", () => rmSync(directory, { recursive: true }));
  const file = join(directory, "results.ndjson");
  const lines = [{ ...HEAD, ...head }, ...samples].map((line) => JSON.stringify(line));
  writeFileSync(file, `${lines.join("\n")}\n`);
  return Results.read(file);
}

/** One figure of a subject, a round for each value. */
export function rounds(workload: string, subject: string, figure: string, values: readonly number[]): Sample[] {
  return values.map((value, index) => ({ workload, subject, round: index + 1, figures: { [figure]: value } }));
}
