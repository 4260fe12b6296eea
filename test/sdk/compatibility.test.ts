import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { PLAYS, titleOf } from "./plays.ts";
import { SDKS } from "./sdks.ts";

interface Compatibility {
  readonly ran: Readonly<Record<string, unknown>>;
  readonly scenarios: readonly {
    readonly operation: string;
    readonly title: string;
    readonly passed: Readonly<Record<string, boolean>>;
  }[];
}

const FILE = resolve(import.meta.dirname, "../../docs/compatibility.json");
const { ran, scenarios } = JSON.parse(await readFile(FILE, "utf8")) as Compatibility;
const names = SDKS.map(({ name }) => name);

// Stale? npm run test:sdk -- --write
describe("what is published of the SDKs", () => {
  it("lists just the scenarios that the suite plays", () => {
    const published = scenarios.map(({ operation, title }) => `${operation}: ${title}`);
    expect(published.toSorted()).toEqual(PLAYS.map((play) => `${play.operation}: ${titleOf(play)}`).toSorted());
  });

  it("has a run of each SDK, and a verdict of each on every scenario", () => {
    expect(Object.keys(ran).toSorted()).toEqual(names.toSorted());
    for (const { title, passed } of scenarios) expect(Object.keys(passed).toSorted(), title).toEqual(names.toSorted());
  });

  it("publishes no failure as if it were normal", () => {
    const failed = scenarios.filter(({ passed }) => Object.values(passed).includes(false));
    expect(failed.map(({ title }) => title)).toEqual([]);
  });
});
