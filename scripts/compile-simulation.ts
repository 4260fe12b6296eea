import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const compiled = `${root}node_modules/.cache/simulation`;

/** Compiles simulator and engine as they stand, without checking types. Says where the worker is. */
export function compileSimulation(): string {
  execFileSync("tsc", ["-p", "packages/broker/test/simulation/tsconfig.compiled.json"], {
    cwd: root,
    stdio: "inherit",
  });
  mkdirSync(compiled, { recursive: true });
  writeFileSync(`${compiled}/package.json`, '{ "type": "module" }\n');
  return `${compiled}/scripts/simulation-worker.js`;
}
