import type { Operation } from "@stagemq/wire";
import { expect, it } from "vitest";
import { KnownOperations } from "./known-operations.ts";

const PUBLISH: Operation = { name: "publish-message", topic: "t" };

function at(target: string, method = "POST") {
  return { method, target, headers: {} };
}

it("finds what was kept, by method and target", () => {
  const known = new KnownOperations();
  known.keep(at("/a"), PUBLISH);
  expect(known.find(at("/a"))).toBe(PUBLISH);
  expect(known.find(at("/b"))).toBeUndefined();
  expect(known.find(at("/a", "GET"))).toBeUndefined();
});

it("keeps neither long targets nor ever more of them", () => {
  const known = new KnownOperations();
  known.keep(at("x".repeat(513)), PUBLISH);
  expect(known.find(at("x".repeat(513)))).toBeUndefined();
  for (let number = 0; number <= 1_000; number++) known.keep(at(`/${number}`), PUBLISH);
  expect(known.find(at("/0"))).toBeUndefined();
  expect(known.find(at("/1000"))).toBe(PUBLISH);
});
