import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type BuildOptions, build, transform } from "esbuild";
import type { Entry, PublishedPackage } from "./published-package.ts";

const TARGET = "node20.19";

/** Bundles a package for ES modules: private packages inside, libraries outside, what is loaded late in files of its own. */
export async function bundle(published: PublishedPackage, into: string): Promise<void> {
  const { metafile } = await build({ ...optionsOf(published), outdir: into, metafile: true });
  const foreign = Object.keys(metafile.inputs).filter((input) => input.includes("node_modules/"));
  if (foreign.length > 0) throw new Error(`${published.manifest.name} has no such dependency, but needs ${foreign}`);
}

/**
 * The same files for CommonJS. Translated one by one instead of bundled again: two entries go on sharing their chunks, and so
 * their classes, by which users tell errors apart.
 */
export async function translateToCommonJs(esm: string, into: string): Promise<void> {
  const files = (await readdir(esm, { recursive: true })).filter((file) => file.endsWith(".js"));
  for (const file of files) {
    const { code } = await transform(await readFile(join(esm, file), "utf8"), {
      format: "cjs",
      platform: "node",
      target: TARGET,
      logOverride: { "empty-import-meta": "error" },
    });
    await mkdir(dirname(join(into, file)), { recursive: true });
    await writeFile(join(into, file), code);
  }
  // Inside a package of ES modules these are none.
  await writeFile(join(into, "package.json"), `${JSON.stringify({ type: "commonjs" })}\n`);
}

/** What a user's bundler makes of all that one entry exports, in one file. */
export async function minify(published: PublishedPackage, entry: Entry): Promise<Uint8Array> {
  const options = optionsOf({ ...published, entries: [entry] });
  const { outputFiles } = await build({ ...options, splitting: false, minify: true, outdir: "/", write: false });
  return Buffer.concat(outputFiles.map(({ contents }) => contents));
}

function optionsOf({ folder, entries, dependencies, manifest }: PublishedPackage) {
  return {
    absWorkingDir: folder,
    entryPoints: Object.fromEntries(entries.map(({ path }) => [path, `src/${path}.ts`])),
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: TARGET,
    charset: "utf8",
    conditions: ["source"],
    external: [...Object.keys(dependencies), ...Object.keys(manifest.peerDependencies ?? {})],
    logLevel: "silent",
  } satisfies BuildOptions;
}
