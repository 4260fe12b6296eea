import { readManifest } from "../packages/published-package.ts";
import type { Plant } from "./plant.ts";

const BUILT_WITH = Object.keys(readManifest(process.cwd()).devDependencies ?? {});

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
  // Installed here as what the house is built with.
  {
    file: "packages/broker/package.json",
    instead: '"dependencies": {',
    text: `"dependencies": {${BUILT_WITH.map((name) => `"${name}": "0.0.0",`).join(" ")}`,
    expects: [
      { file: "package-lock.json", says: "that our packages ask for; there may be 16" },
      { file: "package-lock.json", says: "libraries in all; there may be 80" },
      { file: "package-lock.json", says: "bytes of libraries; there may be" },
      { file: "node_modules/esbuild", says: "it runs postinstall while it is installed" },
      { file: "docs/operating/dependencies.md", says: "it has no line for `vitest`" },
    ],
  },
  {
    file: "packages/client/package.json",
    instead: '"dependencies": {',
    text: '"dependencies": {"saxes": "0.0.0",',
    expects: [{ says: "the client installs nothing, but depends on saxes" }],
  },
];
/** To be tracked although it is ignored. */
export const FORCED_INTO_GIT = "packages/broker/dist/planted.ts";
