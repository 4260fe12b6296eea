/** A room may import only what its row lists; everything else is an error. `npm run check:planted` tries every row. */
const TESTS = "[^/]+/(src/.+[.]test[.]ts|test)";
/** place: what it may import besides itself | of Node's modules | of npm. A bare name is a room. The innermost place counts. */
const MAY = {
  "wire/src":               "| crypto",
  "client/src":             "wire/src/index.ts | buffer crypto events net tls | @opentelemetry",
  "cli/src":                "index.ts testing/index.ts client/src/index.ts | fs fs/promises path process readline readline/promises timers/promises | @bomb.sh cli-table3 commander",
  "cli/src/compat":         "wire/src/index.ts | net timers/promises tls",
  "cli/src/bench":          "wire/src/index.ts | crypto net perf_hooks timers/promises tls",
  "domain":                 "",
  "runtime":                "domain",
  "runtime/system":         "domain runtime | crypto fs fs/promises net os path perf_hooks process timers util | pino",
  "config":                 "domain runtime | fs fs/promises path process | yaml zod",
  "access":                 "domain runtime | crypto",
  "engine":                 "domain runtime access | buffer",
  "embedded":               "domain runtime engine | buffer zlib",
  "embedded/receipt.ts":    "domain engine embedded/journal/fact.ts embedded/keyed-hash.ts | buffer crypto",
  "embedded/keyed-hash.ts": "| buffer crypto",
  "embedded/tag-hasher.ts": "domain embedded/state/tag-set.ts | crypto",
  "http":                   "domain runtime engine access wire/src/index.ts | http https net",
  "testing":                "broker/src wire/src/index.ts | http process timers",
  "main.ts":                "broker/src",
  "index.ts":               "main.ts config domain",
  [TESTS]:                  "[^/]+/src | crypto events fs fs/promises http https net os path tls zlib | vitest fast-check saxes @opentelemetry",
};
/** place: the only ones who may know it, besides tests */
const KNOWN_BY = { "main.ts": "index.ts testing", "runtime/system": "main.ts scripts/measure-backlog.ts" };

const words = (text = "") => text.split(" ").filter(Boolean);
const at = (place) => {
  if (place.startsWith("scripts/")) return `^${place}$`;
  return `^packages/${place.includes("src") ? place : `broker/src/${place}`}(/|$)`;
};
const isInner = (place, outer) => place.startsWith(`${outer}/`) || (place === TESTS && outer !== TESTS);
const rule = (name, from, to) => ({ name, severity: "error", from, to });

module.exports = {
  forbidden: [
    ...Object.entries(MAY).map(([place, row]) => {
      const [ours, node, npm] = row.split("|").map(words);
      return rule(
        `may: ${place}`,
        { path: at(place), pathNot: Object.keys(MAY).filter((other) => isInner(other, place)).map(at) },
        { pathNot: [place, ...ours].map(at).concat(`^(${node?.join("|") || "-"})$`, `(^|/)node_modules/(${npm?.join("|") || "-"})/`) },
      );
    }),
    ...Object.entries(KNOWN_BY).map(([place, friends]) =>
      rule(`known by few: ${place}`, { pathNot: [place, TESTS, ...words(friends)].map(at) }, { path: at(place) }),
    ),
    rule("every place has a row", { path: "^packages/", pathNot: Object.keys(MAY).map(at) }, {}),
    rule("processes are tested from outside", { path: "^test/" }, { path: "^packages/(broker|cli)/", pathNot: "^packages/cli/src/testing[.]ts$" }),
    rule("no circles", {}, { circular: true }),
    rule("no orphans", { orphan: true, path: "^packages/", pathNot: at(TESTS) }, {}),
  ],
  options: {
    parser: "swc",
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    doNotFollow: { path: "(^|/)node_modules/" },
    exclude: { path: "^packages/[^/]+/dist/" },
    enhancedResolveOptions: { conditionNames: ["source", "import", "types", "default"], exportsFields: ["exports"] },
  },
};

// The cruiser refuses keys it does not know; whoever plants violations reads the table all the same.
Object.defineProperty(module.exports, "rooms", { value: { MAY, KNOWN_BY } });
