import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plant } from "./plant.ts";

/** A line that breaks each ban that `biome.json` makes an error, wherever it stands. */
const BROKEN_EVERYWHERE: Readonly<Record<string, string>> = {
  noDefaultExport: "export default 1;",
  noVoid: "void planted();",
  noFloatingPromises: "planted();",
  noMisusedPromises: "if (planted()) planted().catch(String);",
};
/** What "recommended" stands for. */
const BROKEN_BY_PRESET = { noDebugger: "debugger;" };
/** A line for each pattern of `no-real-world.grit`. */
const BROKEN_PATTERNS: Readonly<Record<string, string>> = {
  "Date.now": "export const at = Date.now();",
  "new Date()": "export const at2 = new Date();",
  "new Date": "export const at3 = new Date;",
  "Date()": "export const at4 = Date();",
  "const $_ = Date": "const Calendar = Date;",
  "const { $_ } = Date": "const { now } = Date;",
  "Math.random": "export const drawn = Math.random();",
  "Math[$_]": 'export const drawn2 = Math["random"]();',
  "const $_ = Math": "const Arithmetic = Math;",
  "const { $_ } = Math": "const { random } = Math;",
  "AbortSignal.timeout": "export const signal = AbortSignal.timeout(1);",
  "TsImportType()": 'export type Planted = import("node:fs").Stats;',
};
const BROKEN_IMPORTS = [
  'import { randomBytes } from "node:crypto";',
  'import * as everything from "node:crypto";',
  'import whole from "node:crypto";',
  'import { createHash } from "crypto";',
];

const SIMULATED = ["packages/wire/src", "packages/wire/test", "packages/broker/src/domain", "packages/broker/test"];
const REAL = "packages/broker/src/runtime/system";
const EVERYWHERE = [...SIMULATED, REAL, "packages/cli/src", "test", "scripts"];

/** One line for each ban in each kind of place that it covers. The lists come from the linter's own files: a ban without a line here fails. */
export function plantBans(root: string): Plant[] {
  const { rules, deniedGlobals } = readBans(root);
  return [
    ...EVERYWHERE.flatMap((folder) => plantEverywhere(folder, rules)),
    ...[...SIMULATED, REAL].flatMap((folder) =>
      deniedGlobals.map((name) => line(folder, "globals", `export const of_${name} = ${name};`, "noRestrictedGlobals")),
    ),
    ...SIMULATED.flatMap((folder) => [
      ...BROKEN_IMPORTS.map((text) => line(folder, "imports", text, "noRestrictedImports")),
      ...readPatterns(root).map((pattern) => line(folder, "patterns", lineFor(BROKEN_PATTERNS, pattern), "plugin")),
    ]),
    ...plantAcrossPackages(),
  ];
}

function plantEverywhere(folder: string, rules: readonly string[]): Plant[] {
  const lines = [...rules.map((rule) => [rule, lineFor(BROKEN_EVERYWHERE, rule)]), ...Object.entries(BROKEN_BY_PRESET)];
  return [
    { file: `${folder}/planted-bans.ts`, text: "async function planted(): Promise<void> {}", expects: [] },
    ...lines.map(([rule = "", text = ""]) => line(folder, "bans", text, rule)),
    { file: `${folder}/planted-format.ts`, text: "export  const planted=1", expects: [{ says: "format" }] },
  ];
}

/** The linter follows a promise into another workspace only while that package's own `tsconfig.json` leads it there. */
function plantAcrossPackages(): Plant[] {
  return [
    { door: "packages/wire/src/index.ts", module: "@stagemq/wire", folder: "packages/broker/src/http" },
    { door: "packages/broker/src/index.ts", module: "@stagemq/broker", folder: "packages/cli/src" },
    { door: "packages/broker/src/testing/index.ts", module: "@stagemq/broker/testing", folder: "packages/cli/src" },
  ].flatMap(({ door, module, folder }, index) => {
    const file = `${folder}/planted-promise${index}.ts`;
    return [
      { file: door, text: "export async function planted(): Promise<void> {}", expects: [] },
      { file, text: `import { planted } from "${module}";`, expects: [] },
      { file, text: "planted();", expects: [{ says: "noFloatingPromises" }] },
    ];
  });
}

function line(folder: string, name: string, text: string, says: string): Plant {
  return { file: `${folder}/planted-${name}.ts`, text, expects: [{ says }] };
}

function lineFor(lines: Readonly<Record<string, string>>, ban: string): string {
  const text = lines[ban];
  if (text === undefined) throw new Error(`no line here breaks the ban ${ban}`);
  return text;
}

function readBans(root: string): { rules: string[]; deniedGlobals: string[] } {
  const biome = JSON.parse(readFileSync(join(root, "biome.json"), "utf8"));
  const groups = Object.values(biome.linter.rules as Record<string, unknown>).filter(
    (group) => typeof group === "object",
  );
  const rules = groups.flatMap((group) => Object.keys(group ?? {}));
  const deniedGlobals = (biome.overrides as { linter: { rules: { style?: Record<string, unknown> } } }[]).flatMap(
    ({ linter }) => {
      const ban = linter.rules.style?.noRestrictedGlobals as { options: { deniedGlobals: object } } | undefined;
      return Object.keys(ban?.options.deniedGlobals ?? {});
    },
  );
  return { rules, deniedGlobals };
}

function readPatterns(root: string): string[] {
  const grit = readFileSync(join(root, "no-real-world.grit"), "utf8");
  return [...grit.matchAll(/`([^`]+)`|(\bTs\w+\(\))/g)].map(([, snippet, node]) => snippet ?? node ?? "");
}
