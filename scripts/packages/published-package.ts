import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What this house reads of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly description?: string;
  readonly keywords?: readonly string[];
  readonly license?: string;
  readonly type?: string;
  readonly engines?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, { readonly source: string }>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

export type ModuleFormat = "esm" | "cjs";

/** A file that others start from. */
export interface Entry {
  /** Its path under `src` and `dist`, without extension. */
  readonly path: string;
  /** What importers add to the package's name, such as `./testing`; absent for a command. */
  readonly subpath?: string;
}

/** A package that people install. */
export interface PublishedPackage {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly entries: readonly Entry[];
  readonly formats: readonly ModuleFormat[];
  /** What its users' npm installs beside it; other packages of this workspace that are published are among them. */
  readonly dependencies: Readonly<Record<string, string>>;
}

const FOLDERS: Readonly<Record<string, readonly ModuleFormat[]>> = {
  "packages/client": ["esm", "cjs"],
  "packages/broker": ["esm"],
  "packages/cli": ["esm"],
};

export function readPublishedPackages(root: string): PublishedPackage[] {
  return Object.entries(FOLDERS).map(([folder, formats]) => {
    const manifest = readManifest(join(root, folder));
    return {
      folder: join(root, folder),
      manifest,
      formats,
      entries: [
        ...Object.values(manifest.bin ?? {}).map((file) => ({ path: file.replace(/^dist\/|[.]js$/g, "") })),
        ...Object.entries(manifest.exports ?? {}).map(([subpath, { source }]) => ({
          path: source.replace(/^[.]\/src\/|[.]ts$/g, ""),
          subpath,
        })),
      ],
      dependencies: Object.fromEntries(
        Object.entries(manifest.dependencies ?? {}).filter(([name]) => !isInside(root, name)),
      ),
    };
  });
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** A private package of ours is bundled into those that use it. */
function isInside(root: string, name: string): boolean {
  return name.startsWith("@stagemq/") && readManifest(join(root, "node_modules", name)).private === true;
}
