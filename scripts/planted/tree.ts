import type { Plant } from "./plant.ts";

/** Files that a tool does not look at, must not look at, or that no longer fit each other. */
export const PLANTED_IN_TREE: readonly Plant[] = [
  ...["packages/broker/test", "packages/cli/src", "test", "scripts"].map((folder) => ({
    file: `${folder}/planted-types.ts`,
    text: 'export const planted: number = "a";',
    expects: [{ says: "TS2322" }],
  })),
  {
    file: "packages/broker/extra/planted.ts",
    text: "export const planted = 1;",
    expects: [{ says: "types did not look at it" }],
  },
  {
    file: "tools/planted.ts",
    text: "export const planted = 1;",
    expects: [{ says: "types did not look at it" }, { says: "lint did not look at it" }],
  },
  // Tracked all the same, so every tool is told to pass it by.
  {
    file: "packages/broker/dist/planted.ts",
    text: "export const planted = 1;",
    expects: ["types", "lint", "boundaries"].map((tool) => ({ says: `${tool} did not look at it` })),
  },
  { file: ".gitignore", text: "planted-ignored.ts", expects: [] },
  {
    file: "packages/cli/src/planted-ignored.ts",
    text: "export const planted = 1;",
    expects: [{ says: "types looked at it, but git does not know it" }],
  },
  {
    file: "scripts/planted-page.ts",
    text: 'process.exitCode = process.argv.includes("--check") ? 1 : 0;',
    expects: [{ says: "stale" }],
  },
  {
    file: "package.json",
    instead: '"devDependencies": {',
    text: '"devDependencies": { "planted": "1.0.0",',
    expects: [{ file: "package-lock.json", says: "planted" }],
  },
];
/** To be tracked although it is ignored. */
export const FORCED_INTO_GIT = "packages/broker/dist/planted.ts";
