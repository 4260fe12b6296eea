import { defineConfig } from "vitest/config";
import { SkipReporter } from "./scripts/skip-reporter.ts";

/** Where the figures of the run go, for .ci/run. */
const report = process.env.STAGEMQ_TEST_REPORT;
const jsonTo = (outputFile: string): ["json", { outputFile: string }] => ["json", { outputFile }];

/** `npm run test:sdk` plays what takes minutes, too. */
const wholeSdkSuite = process.env.STAGEMQ_SDK_SUITE === "whole" ? ["test/sdk/**/*.whole.ts"] : [];

/** Tests run from source: workspace packages are asked for their `source` condition. */
const source = {
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
};

export default defineConfig({
  test: {
    // Tests of processes mostly wait; on two cores three files side by side are quickest.
    maxWorkers: 3,
    reporters: ["default", new SkipReporter(), ...(report === undefined ? [] : [jsonTo(report)])],
    projects: [
      {
        ...source,
        test: {
          name: "unit",
          include: ["packages/*/{src,test}/**/*.test.ts", "test/checker/**/*.test.ts"],
          testTimeout: Number(process.env.STAGEMQ_UNIT_TEST_TIMEOUT ?? 120_000),
        },
      },
      {
        ...source,
        test: {
          name: "process",
          include: ["test/**/*.test.ts"],
          exclude: ["test/sdk/**", "test/checker/**"],
          testTimeout: 240_000,
          hookTimeout: 120_000,
        },
      },
      // Its plays wait for their turn, and some a minute for real.
      {
        ...source,
        test: { name: "sdk", include: ["test/sdk/**/*.test.ts", ...wholeSdkSuite], testTimeout: 600_000 },
      },
    ],
  },
});
