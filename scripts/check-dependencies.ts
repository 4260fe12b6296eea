import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Finding } from "./finding.ts";
import { readPublishedPackages } from "./packages/published-package.ts";
import { findInstallScripts, findRuntimeTree, measureFolder } from "./packages/runtime-tree.ts";

const PAGE = "docs/operating/dependencies.md";
const MAX_DIRECT = 16;
const MAX_LIBRARIES = 80;
const MAX_BYTES = 40 * 1024 * 1024;
const INSTALLS_NOTHING = "@stagemq/client";

/** What comes with our packages stays within its budget, runs nothing while it is installed, and has a line that says why. */
export async function checkDependencies(root: string): Promise<Finding[]> {
  const packages = readPublishedPackages(root);
  const libraries = findRuntimeTree(packages);
  const direct = libraries.filter((library) => library.direct);
  const sizes = await Promise.all(libraries.map(({ folder }) => measureFolder(folder)));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const page = await readFile(join(root, PAGE), "utf8");
  const unexplained = direct.filter(({ manifest }) => !page.includes(`| \`${manifest.name}\` ${manifest.version} |`));
  const client = packages.find(({ manifest }) => manifest.name === INSTALLS_NOTHING);
  return [
    ...overBudget(direct.length, MAX_DIRECT, "libraries that our packages ask for"),
    ...overBudget(libraries.length, MAX_LIBRARIES, "libraries in all"),
    ...overBudget(bytes, MAX_BYTES, "bytes of libraries"),
    ...Object.keys(client?.dependencies ?? {}).map((name) => ({
      file: "packages/client/package.json",
      says: `the client installs nothing, but depends on ${name}`,
    })),
    ...libraries.flatMap((library) =>
      findInstallScripts(library).map((script) => ({
        file: relative(root, library.folder),
        says: `it runs ${script} while it is installed`,
      })),
    ),
    ...unexplained.map(({ manifest }) => ({
      file: PAGE,
      says: `it has no line for \`${manifest.name}\` ${manifest.version}`,
    })),
  ];
}

function overBudget(is: number, max: number, what: string): Finding[] {
  return is <= max ? [] : [{ file: "package-lock.json", says: `${is} ${what}; there may be ${max}` }];
}
