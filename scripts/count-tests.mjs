import { readFileSync } from "node:fs";

/** The last line of `.ci/run`, from the test runner's reports. Plain JavaScript: it must speak even when nothing could be installed. */
const counts = process.argv.slice(2).map(count);
const [passed, failed, skipped] = ["passed", "failed", "skipped"].map((verdict) => sumOf(verdict));
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
if (failed > 0 || passed === 0) process.exitCode = 1;

function sumOf(verdict) {
  return counts.reduce((sum, one) => sum + one[verdict], 0);
}

function count(file) {
  const text = readFileSync(file, "utf8");
  if (text === "") return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(text);
  // A file that could not be loaded has no test that could have failed.
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloaded.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}
