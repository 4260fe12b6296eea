import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** One line of the product, changed so that it breaks a promise. */
export interface Mutant {
  /** The sentence that it breaks: a test titled with it must turn red. */
  readonly rule: string;
  /** What the broken broker does. */
  readonly does: string;
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly was: string;
  readonly becomes: string;
}

/** Why a mutant cannot be made; undefined where it can. */
export function describeMisfit(root: string, { file, was, becomes }: Mutant): string | undefined {
  const times = readFileSync(join(root, file), "utf8").split(was).length - 1;
  if (was === becomes) return "changes nothing";
  return times === 1 ? undefined : `its line stands ${times} times in ${file}, not once`;
}

/** Breaks the copy at `root`; what comes back mends it. */
export function breakWith(root: string, { file, was, becomes }: Mutant): () => void {
  const path = join(root, file);
  const whole = readFileSync(path, "utf8");
  writeFileSync(
    path,
    whole.replace(was, () => becomes),
  );
  return () => writeFileSync(path, whole);
}
