import { readFile } from "node:fs/promises";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { runTool } from "../run-tool.ts";
import type { Tarball } from "./pack-package.ts";
import type { PublishedPackage } from "./published-package.ts";

/** What publint and arethetypeswrong have against a tarball. */
export async function judgeTarball(root: string, published: PublishedPackage, { file }: Tarball): Promise<string[]> {
  const [layout, types] = await Promise.all([judgeLayout(file), judgeTypes(root, published, file)]);
  return [...layout, ...types];
}

async function judgeLayout(file: string): Promise<string[]> {
  const { buffer } = new Uint8Array(await readFile(file));
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
  return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`);
}

/** A package without CommonJS is not asked how CommonJS sees it: Node 20.19 lets it require ES modules. */
async function judgeTypes(root: string, { formats }: PublishedPackage, file: string): Promise<string[]> {
  const profile = formats.includes("cjs") ? "strict" : "esm-only";
  const { exitCode, output, errors } = await runTool(root, "attw", [
    file,
    ...["--profile", profile, "--format", "ascii", "--no-emoji", "--no-color", "--no-definitely-typed"],
  ]);
  return exitCode === 0 ? [] : [`arethetypeswrong: ${output}${errors}`];
}
