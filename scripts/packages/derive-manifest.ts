import type { Entry, ModuleFormat, PublishedPackage } from "./published-package.ts";

/** The package.json that users get: what only this workspace needs is gone, what only they need is there. */
export function deriveManifest({ manifest, entries, formats, dependencies }: PublishedPackage): object {
  const { name, version, description, keywords, license, type, engines, bin } = manifest;
  const { peerDependencies, peerDependenciesMeta } = manifest;
  const exported = entries.filter(({ subpath }) => subpath !== undefined);
  const subpaths = exported.filter(({ subpath }) => subpath !== ".");
  const commands = entries.filter(({ subpath }) => subpath === undefined);
  const last = formats.at(-1) ?? "esm";
  return {
    name,
    version,
    description,
    keywords,
    license,
    author: "the stagemq authors",
    type,
    engines,
    bin,
    exports: Object.fromEntries(exported.map((entry) => [entry.subpath, exportOf(entry, formats)])),
    // For those who still compile with `moduleResolution: node`, which reads no exports.
    ...(subpaths.length < exported.length
      ? {
          main: fileOf({ path: "index" }, last, formats, "js"),
          types: fileOf({ path: "index" }, last, formats, "d.ts"),
        }
      : {}),
    typesVersions: {
      "*": Object.fromEntries(
        subpaths.map((entry) => [entry.subpath?.slice(2), [fileOf(entry, last, formats, "d.ts")]]),
      ),
    },
    files: ["dist", "NOTICE"],
    sideEffects: commands.length === 0 ? false : commands.map((entry) => fileOf(entry, "esm", formats, "js")),
    dependencies: Object.fromEntries(Object.entries(dependencies).map(([each, pin]) => [each, rangeOf(each, pin)])),
    peerDependencies,
    peerDependenciesMeta,
  };
}

/** Where the files of a format lie: beside each other only where there are two. */
export function folderOf(format: ModuleFormat, formats: readonly ModuleFormat[]): string {
  return formats.length === 1 ? "dist" : `dist/${format}`;
}

function exportOf(entry: Entry, formats: readonly ModuleFormat[]): object {
  const filesOf = (format: ModuleFormat) => ({
    types: fileOf(entry, format, formats, "d.ts"),
    default: fileOf(entry, format, formats, "js"),
  });
  return formats.includes("cjs") ? { import: filesOf("esm"), require: filesOf("cjs") } : filesOf("esm");
}

function fileOf({ path }: Entry, format: ModuleFormat, formats: readonly ModuleFormat[], extension: string): string {
  return `./${folderOf(format, formats)}/${path}.${extension}`;
}

/** Ours are released together. Of the others users may have what is newer, and mended, of the same major version. */
function rangeOf(name: string, pin: string): string {
  return name.startsWith("@stagemq/") ? pin : `^${pin}`;
}
