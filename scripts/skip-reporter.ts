import type { Reporter, TestModule, Vitest } from "vitest/node";

/** Prints why tests were left out: each reason once, with how many gave it. A skip without a reason is named. */
export class SkipReporter implements Reporter {
  #isFiltered = false;

  /** With `-t` most tests are left out, and that is the reason. */
  onInit(vitest: Vitest): void {
    this.#isFiltered = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<string, number>();
    for (const module of modules) {
      for (const test of module.children.allTests("skipped")) {
        const result = test.result();
        const note = "note" in result ? result.note : undefined;
        if (note === undefined && this.#isFiltered) continue;
        const reason = note ?? `no reason given: ${test.fullName}`;
        counts.set(reason, (counts.get(reason) ?? 0) + 1);
      }
    }
    for (const [reason, count] of counts) process.stdout.write(`skipped ${count}: ${reason}\n`);
  }
}
