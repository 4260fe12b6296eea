import { existsSync } from "node:fs";
import { judgeHistoryFile } from "../test/checker/judge-history.ts";
import { PROPERTIES } from "../test/checker/violation.ts";

/** `npm run check-history -- FILE`: judges what the clients of a broker wrote down. Exit code 1 when a promise was broken. */
const [file] = process.argv.slice(2);
if (file === undefined || !existsSync(file)) {
  if (file !== undefined) console.error(`${file} does not exist.`);
  console.error("usage: npm run check-history -- FILE (one event a line; see test/checker/README.md)");
  process.exit(2);
}

const begun = performance.now();
const { events, violations, counts, classes, lateness, notes } = await judgeHistoryFile(file);
for (const { property, message, evidence } of violations) {
  console.log(`\n${property} (${PROPERTIES[property]}): ${message}`);
  for (const event of evidence) console.log(`  ${JSON.stringify(event)}`);
}
const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
const megabytes = Math.round(process.resourceUsage().maxRSS / 1_024);
console.log(`\n${events} events in ${seconds} s, ${megabytes} MB`);
console.log(`messages: ${list(classes)}`);
if (lateness.count > 0) console.log(`delayed messages came late by, in ms: ${list(lateness)}`);
for (const note of notes) console.log(`note: ${note}`);
console.log(violations.length === 0 ? "no violation" : `violations: ${list(counts)}`);
if (violations.length > 0) process.exitCode = 1;

function list(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}
