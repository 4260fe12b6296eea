#!/usr/bin/env node
import { describeOldNode } from "./node-version.ts";

// Before anything else is loaded: an old Node may not even understand the rest.
const refusal = describeOldNode(process.versions.node);
if (refusal === undefined) {
  const [{ runProgram }, { endProcess, processHost, watchProcess }] = await Promise.all([
    import("./program.ts"),
    import("./process.ts"),
  ]);
  watchProcess();
  await endProcess(await runProgram(process.argv.slice(2), processHost));
} else {
  process.stderr.write(`${refusal}\n`);
  process.exitCode = 1;
}
