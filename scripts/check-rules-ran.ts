import { readFileSync } from "node:fs";
import { heldSentences } from "./check-rules.ts";
import { escapePattern } from "./escape-pattern.ts";
import { idsOf } from "./find-tests.ts";
import { formatFinding } from "./finding.ts";
import { readRuleBook } from "./rule-book.ts";
import { readWireItems } from "./wire-items.ts";

interface TestReport {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

/** `tsx scripts/check-rules-ran.ts REPORT`: each true sentence and wire item has a test that ran and passed, not only one that is written down. */
const [reportFile = ""] = process.argv.slice(2);
const report = JSON.parse(readFileSync(reportFile, "utf8")) as TestReport;
const passed = report.testResults
  .flatMap(({ assertionResults }) => assertionResults)
  .filter(({ status }) => status === "passed")
  .map(({ title }) => title);

const book = readRuleBook(process.cwd());
const held = heldSentences(book, passed.flatMap(idsOf));
const sentences = book.sentences.filter(({ id, isPlanned }) => !isPlanned && !held.has(id));
const items = readWireItems(process.cwd()).filter(
  ({ heldBy }) => heldBy !== undefined && !passed.some((title) => patternOf(heldBy).test(title)),
);
const unheld = [...sentences, ...items];
for (const { id, file, line } of unheld)
  console.log(formatFinding({ file, line, says: `no test of ${id} ran and passed` }));
if (unheld.length === 0) console.log(`ok    ${passed.length} tests passed, each true sentence among them`);
else process.exitCode = 1;

/** A title as written, with `%s`, `$name` or `…` where values go. */
function patternOf(title: string): RegExp {
  return new RegExp(`^${escapePattern(title).replaceAll(/%[a-z]|\\\$[\w.]+|…/g, ".*")}$`, "s");
}
