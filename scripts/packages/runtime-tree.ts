import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Manifest, type PublishedPackage, readManifest } from "./published-package.ts";

/** A library as it is installed here. */
export interface InstalledLibrary {
  readonly manifest: Manifest;
  readonly folder: string;
  /** One of our packages asks for it, not only another library. */
  readonly direct: boolean;
}

/** Every library that comes with these packages, at the versions that are installed here. Optional peers stay away. */
export function findRuntimeTree(
  packages: readonly Pick<PublishedPackage, "folder" | "dependencies">[],
): InstalledLibrary[] {
  const found = new Map<string, InstalledLibrary>();
  const addAll = (names: readonly string[], from: string, direct: boolean): void => {
    for (const name of names) {
      const folder = resolveFolder(name, from);
      if (folder === undefined || found.has(folder)) continue;
      const manifest = readManifest(folder);
      found.set(folder, { manifest, folder, direct });
    }
  };
  for (const { folder, dependencies } of packages) addAll(Object.keys(dependencies).filter(isForeign), folder, true);
  // The map grows while it is walked.
  for (const { manifest, folder } of found.values()) addAll(namesNeededBy(manifest), folder, false);
  return [...found.values()];
}

/** How much it takes on a disk, without what lies in it of others. */
export async function measureFolder(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const own = files.filter((file) => file.isFile() && !file.parentPath.slice(folder.length).includes("node_modules"));
  const sizes = await Promise.all(own.map(async (file) => (await stat(join(file.parentPath, file.name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** What runs while it is installed; npm compiles where it finds a binding.gyp, asked or not. */
export function findInstallScripts({ manifest, folder }: InstalledLibrary): string[] {
  const scripts = ["preinstall", "install", "postinstall"].filter((name) => manifest.scripts?.[name] !== undefined);
  return existsSync(join(folder, "binding.gyp")) ? [...scripts, "binding.gyp"] : scripts;
}

function namesNeededBy(manifest: Manifest): string[] {
  const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = manifest;
  const peers = Object.keys(peerDependencies ?? {}).filter((name) => peerDependenciesMeta?.[name]?.optional !== true);
  return [...Object.keys(dependencies ?? {}), ...Object.keys(optionalDependencies ?? {}), ...peers];
}

function isForeign(name: string): boolean {
  return !name.startsWith("@stagemq/");
}

/** As Node looks for it; undefined where an optional one does not fit this machine. */
function resolveFolder(name: string, from: string): string | undefined {
  const folder = join(from, "node_modules", name);
  if (existsSync(join(folder, "package.json"))) return folder;
  return dirname(from) === from ? undefined : resolveFolder(name, dirname(from));
}
