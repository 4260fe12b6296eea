import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { escapePattern } from "../escape-pattern.ts";
import type { Expectation, Plant } from "./plant.ts";

interface Rooms {
  readonly MAY: Readonly<Record<string, string>>;
  readonly KNOWN_BY: Readonly<Record<string, string>>;
}

const NODE_MODULES = [
  "buffer",
  "child_process",
  "crypto",
  "fs",
  "fs/promises",
  "http",
  "https",
  "net",
  "os",
  "path",
].concat(["process", "readline/promises", "timers", "tls", "util", "worker_threads", "zlib"]);
const LIBRARIES = ["commander", "fast-check", "pino", "saxes", "vitest", "yaml", "zod"];
const IMPORTS = [
  (target: string) => `import "${target}";`,
  (target: string, name: string) => `import type * as ${name} from "${target}";`,
  (target: string, name: string) => `export * as ${name} from "${target}";`,
  (target: string, name: string) => `export const ${name} = import("${target}");`,
];

/** Everything that the table of rooms forbids, place by place: each other place, each of Node's modules, each library. */
export function plantBoundaries(root: string): Plant[] {
  const { rooms } = createRequire(import.meta.url)(join(root, ".dependency-cruiser.cjs")) as { rooms: Rooms };
  const places = Object.keys(rooms.MAY);
  return [
    ...places
      .filter(isFolder)
      .map((place) => ({ file: targetOf(place), text: "export const planted = 1;", expects: [] })),
    ...places.flatMap((place) => plantPlace(place, rooms)),
    ...plantElsewhere(),
  ];
}

/** One file that imports all it may not, in four ways by turns. */
function plantPlace(place: string, { MAY, KNOWN_BY }: Rooms): Plant[] {
  const [ours = [], node = [], npm = []] = (MAY[place] ?? "").split("|").map((list) => list.split(" ").filter(Boolean));
  const importer = importerOf(place);
  const forbidden: { module: string; says: RegExp }[] = [];

  for (const target of Object.keys(MAY).filter((other) => other !== place)) {
    const module = pathBetween(importer, targetOf(target));
    const arrow = ` → ${escapePattern(targetOf(target))}$`;
    if (![place, ...ours].some((allowed) => covers(allowed, target)))
      forbidden.push({ module, says: new RegExp(`^may: ${escapePattern(place)}${arrow}`) });
    const friends = KNOWN_BY[target]?.split(" ");
    if (friends && !isTests(place) && !friends.includes(place))
      forbidden.push({ module, says: new RegExp(`^known by few: ${escapePattern(target)}${arrow}`) });
  }
  for (const module of NODE_MODULES.filter((name) => !node.includes(name)))
    forbidden.push({ module: `node:${module}`, says: new RegExp(`^may: ${escapePattern(place)} → ${module}$`) });
  for (const module of LIBRARIES.filter((name) => !npm.includes(name)))
    forbidden.push({ module, says: new RegExp(`^may: ${escapePattern(place)} → .*node_modules/${module}/`) });

  return forbidden.map(({ module, says }, index) => {
    const statement = IMPORTS[index % IMPORTS.length];
    return { file: importer, text: statement?.(module, `planted${index}`) ?? "", expects: [{ says }] };
  });
}

function plantElsewhere(): Plant[] {
  const domain = "packages/broker/src/domain";
  const one = (file: string, text: string, ...expects: Expectation[]): Plant => ({ file, text, expects });
  return [
    one(`${domain}/planted-circle.ts`, 'import "./planted-round.ts";', { says: "no circles" }),
    one(`${domain}/planted-round.ts`, 'import "./planted-circle.ts";'),
    one(`${domain}/planted-orphan.ts`, "export const planted = 1;", { says: "no orphans" }),
    one("packages/broker/src/planted/planted.ts", 'import "../domain/planted-target.ts";', {
      says: "every place has a row",
    }),
    one("packages/planted/src/planted.ts", 'import "node:fs";', { says: "every place has a row" }),
    one("test/planted.ts", 'import "../packages/broker/src/domain/planted-target.ts";', {
      says: "processes are tested from outside",
    }),
  ];
}

const isFolder = (place: string): boolean => !place.endsWith(".ts");
const isTests = (place: string): boolean => place.includes("[.]test[.]");
const importerOf = (place: string): string =>
  isFolder(place) ? `${folderOf(place)}/planted-importer.ts` : folderOf(place);
const targetOf = (place: string): string =>
  isFolder(place) ? `${folderOf(place)}/planted-target.ts` : folderOf(place);

/** As the table reads it: a bare name is a room of the broker. */
function folderOf(place: string): string {
  if (isTests(place)) return "packages/broker/test";
  return place.includes("src") ? `packages/${place}` : `packages/broker/src/${place}`;
}

function covers(allowed: string, target: string): boolean {
  if (allowed === "[^/]+/src") return !isTests(target);
  return allowed === target || `${folderOf(target)}/`.startsWith(`${folderOf(allowed)}/`);
}

function pathBetween(from: string, to: string): string {
  const path = relative(dirname(from), to);
  return path.startsWith(".") ? path : `./${path}`;
}
