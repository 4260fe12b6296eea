import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "../run-tool.ts";
import { bundle, translateToCommonJs } from "./bundle.ts";
import { copyDeclarations } from "./copy-declarations.ts";
import { deriveManifest, folderOf } from "./derive-manifest.ts";
import type { PublishedPackage } from "./published-package.ts";

export interface Tarball {
  readonly name: string;
  readonly file: string;
  readonly packedBytes: number;
  readonly unpackedBytes: number;
}

/** Lays out, in `into`, what users get of a package, and makes a tarball of it there. */
export async function packPackage(root: string, published: PublishedPackage, into: string): Promise<Tarball> {
  const { manifest, folder, formats } = published;
  const stage = join(into, manifest.name);
  const esm = join(stage, folderOf("esm", formats));
  await rm(stage, { recursive: true, force: true });
  await mkdir(stage, { recursive: true });
  await bundle(published, esm);
  if (formats.includes("cjs")) await translateToCommonJs(esm, join(stage, folderOf("cjs", formats)));
  for (const format of formats) await copyDeclarations(published, join(stage, folderOf(format, formats)));
  await writeFile(join(stage, "package.json"), `${JSON.stringify(deriveManifest(published), undefined, 2)}\n`);
  for (const file of ["LICENSE", "NOTICE"]) await copyFile(join(root, file), join(stage, file));
  await copyFile(join(folder, "README.md"), join(stage, "README.md"));
  return npmPack(stage, into);
}

async function npmPack(stage: string, into: string): Promise<Tarball> {
  const args = ["pack", stage, "--pack-destination", into, "--json", "--ignore-scripts", "--loglevel=error"];
  const { exitCode, output, errors } = await runTool(into, "npm", args);
  if (exitCode !== 0) throw new Error(`npm pack: ${errors}`);
  const [packed] = JSON.parse(output) as { name: string; filename: string; size: number; unpackedSize: number }[];
  if (packed === undefined) throw new Error(`npm packed nothing of ${stage}`);
  const { name, filename, size, unpackedSize } = packed;
  return { name, file: join(into, filename), packedBytes: size, unpackedBytes: unpackedSize };
}
