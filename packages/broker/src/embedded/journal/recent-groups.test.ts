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

it("holds on to the bytes of no group for which there is no room", () => {
  const recent = new RecentGroups(30);
  for (let at = 0; at < 200; at += 10) recent.add({ position: at, bytes: Buffer.alloc(10) });
  expect(recent.heldBytes).toBe(30);
});
