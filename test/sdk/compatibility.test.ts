import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { OWN_CLIENTS } from "./own-clients.ts";
import { PLAYS, titleOf } from "./plays.ts";
import { SDKS } from "./sdks.ts";

interface Results {
  readonly ran: Readonly<Record<string, unknown>>;
  readonly scenarios: readonly {
    readonly operation: string;
    readonly title: string;
    readonly passed: Readonly<Record<string, boolean>>;
  }[];
}

const FILE = resolve(import.meta.dirname, "../../docs/compatibility.json");
const official = JSON.parse(await readFile(FILE, "utf8")) as Results & { readonly ownClients: Results };

// Stale? npm run test:sdk -- --write
describe.each([
  { of: "the SDKs", kits: SDKS, results: official },
  { of: "our own clients", kits: OWN_CLIENTS, results: official.ownClients },
])("what is published of $of", ({ kits, results: { ran, scenarios } }) => {
  const names = kits.map(({ name }) => name);

  it("lists just the scenarios that the suite plays", () => {
    const published = scenarios.map(({ operation, title }) => `${operation}: ${title}`);
    expect(published.toSorted()).toEqual(PLAYS.map((play) => `${play.operation}: ${titleOf(play)}`).toSorted());
  });

  it("has a run of each, and a verdict of each on every scenario", () => {
    expect(Object.keys(ran).toSorted()).toEqual(names.toSorted());
    for (const { title, passed } of scenarios) expect(Object.keys(passed).toSorted(), title).toEqual(names.toSorted());
  });

  it("publishes no failure as if it were normal", () => {
    const failed = scenarios.filter(({ passed }) => Object.values(passed).includes(false));
    expect(failed.map(({ title }) => title)).toEqual([]);
  });
});

describe("the seven official SDKs", () => {
  it("are counted without our own clients", () => {
    expect(Object.keys(official.ran)).toHaveLength(7);
  });
});
