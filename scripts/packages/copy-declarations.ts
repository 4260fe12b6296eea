import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import type { PublishedPackage } from "./published-package.ts";

const COMMENT = /\/\*.*?\*\//gs;
const SPECIFIER = /\b(?:from|import)\s*\(?\s*"([^"]+)"/g;

/** Copies what the compiler declared of the exported entries and all that they name; refuses a name that users cannot have. */
export async function copyDeclarations(published: PublishedPackage, into: string): Promise<void> {
  const { folder, manifest, entries, dependencies } = published;
  const dist = join(folder, "dist");
  const exported = entries.filter(({ subpath }) => subpath !== undefined);
  /** Each with the files that lead to it, itself the last. */
  const found = new Map(exported.map(({ path }) => [join(dist, `${path}.d.ts`), [`${path}.d.ts`]]));
  // The map grows while it is walked.
  for (const [file, trail] of found) {
    const text = await readFile(file, "utf8");
    for (const specifier of specifiersOf(text)) {
      if (specifier.startsWith(".")) {
        const next = resolve(dirname(file), specifier.replace(/[.]ts$/, ".d.ts"));
        if (!found.has(next)) found.set(next, [...trail, relative(dist, next)]);
      } else if (!isInstalled(specifier)) {
        const path = trail.join(" → ");
        throw new Error(`users of ${manifest.name} have no ${specifier}, but what it declares names it: ${path}`);
      }
    }
    const copy = join(into, relative(dist, file));
    await mkdir(dirname(copy), { recursive: true });
    await writeFile(copy, text.replaceAll(/("[.]{1,2}\/[^"]+)[.]ts"/g, '$1.js"'));
  }

  function isInstalled(specifier: string): boolean {
    const has = (name: string) => specifier === name || specifier.startsWith(`${name}/`);
    return specifier.startsWith("node:") || [manifest.name, ...Object.keys(dependencies)].some(has);
  }
}

function specifiersOf(declarations: string): string[] {
  return [...declarations.replaceAll(COMMENT, "").matchAll(SPECIFIER)].map(([, specifier = ""]) => specifier);
}
