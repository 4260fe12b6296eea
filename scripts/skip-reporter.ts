import type { Reporter, TestModule } from "vitest/node";

/** Prints why tests were left out: each reason once, with how many gave it. A skip without a reason is named. */
export class SkipReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<string, number>();
    for (const module of modules) {
      for (const test of module.children.allTests("skipped")) {
        const result = test.result();
        const reason = ("note" in result ? result.note : undefined) ?? `no reason given: ${test.fullName}`;
        counts.set(reason, (counts.get(reason) ?? 0) + 1);
      }
    }
    for (const [reason, count] of counts) process.stdout.write(`skipped ${count}: ${reason}\n`);
  }
}
