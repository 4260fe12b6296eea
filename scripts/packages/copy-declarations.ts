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
  const files = exported.map(({ path }) => join(dist, `${path}.d.ts`));
  const seen = new Set(files);
  for (const file of seen) {
    const text = await readFile(file, "utf8");
    for (const specifier of specifiersOf(text)) {
      if (specifier.startsWith(".")) seen.add(resolve(dirname(file), specifier.replace(/[.]ts$/, ".d.ts")));
      else if (!isInstalled(specifier)) {
        throw new Error(
          `${relative(folder, file)} names a type of ${specifier}, which users of ${manifest.name} do not have`,
        );
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
