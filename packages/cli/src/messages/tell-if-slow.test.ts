import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { tellIfSlow } from "./tell-if-slow.ts";

let told: string;
const tell = (text: string) => {
  told += text;
};

beforeEach(() => {
  told = "";
  vi.useFakeTimers();
});

afterEach(() => vi.useRealTimers());

it("a person who waits for a second is told for what", () => {
  tellIfSlow({ terminal: true, tell }, "Waiting.");
  vi.advanceTimersByTime(999);
  expect(told).toBe("");
  vi.advanceTimersByTime(1);
  expect(told).toBe("Waiting.\n");
});

it("nobody is told what was over by then, nor is what is no person", () => {
  tellIfSlow({ terminal: true, tell }, "Waiting.")();
  tellIfSlow({ terminal: false, tell }, "Waiting.");
  vi.advanceTimersByTime(10_000);
  expect(told).toBe("");
});
