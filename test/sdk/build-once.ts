import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";

const CACHE = resolve(import.meta.dirname, "../../node_modules/.cache/stagemq-sdk");

/**
 * A folder that `build` fills, kept until one of the files that it is made from changes. Made aside and renamed when
 * complete, so that one cut short is never taken for one that is ready.
 */
export async function buildOnce(
  name: string,
  madeFrom: readonly string[],
  build: (folder: string) => Promise<unknown>,
): Promise<string> {
  const digest = createHash("sha256");
  for (const file of madeFrom) digest.update(await readFile(file));
  const ready = resolve(CACHE, `${name}-${digest.digest("hex").slice(0, 16)}`);
  if (await exists(ready)) return ready;
  await mkdir(dirname(ready), { recursive: true });
  const unfinished = await mkdtemp(`${ready}-`);
  await build(unfinished);
  try {
    await rename(unfinished, ready);
  } catch (error) {
    // Another test run was first.
    await rm(unfinished, { recursive: true, force: true });
    if (!(await exists(ready))) throw error;
  }
  return ready;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
