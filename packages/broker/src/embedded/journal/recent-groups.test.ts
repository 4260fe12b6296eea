import { readFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { RecentGroups } from "./recent-groups.ts";

it("finds the newest groups, as many as there is room for", () => {
  const recent = new RecentGroups(30);
  for (let at = 0; at < 100; at += 10) recent.add({ position: at, bytes: Buffer.alloc(10, at) });
  expect([0, 69, 70, 85, 99, 100].map((position) => recent.find(position)?.position)).toEqual([
    undefined,
    undefined,
    70,
    80,
    90,
    undefined,
  ]);
});

it("holds on to the bytes of no group for which there is no room", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const recent = new RecentGroups(30);
  const added = Array.from({ length: 20 }, (_, place) => {
    const group = { position: place * 10, bytes: Buffer.alloc(10) };
    recent.add(group);
    return new WeakRef(group);
  });
  await readFile(import.meta.filename); // what was just made is held until then
  collectGarbage();
  expect(added.filter((group) => group.deref() !== undefined)).toHaveLength(3);
  expect(recent.find(199)?.position).toBe(190);
});
