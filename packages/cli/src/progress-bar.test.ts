import { describe, expect, it } from "vitest";
import { formatProgress, showProgress } from "./progress-bar.ts";

/** What is told while ten megabytes a second are done, for so many seconds. */
function told(seconds: number, how: { terminal: boolean; quiet?: boolean }): string[] {
  let at = 0;
  const lines: string[] = [];
  const tell = (text: string): void => {
    lines.push(text);
  };
  const progress = showProgress({ terminal: how.terminal, tell }, { quiet: how.quiet ?? false, now: () => at });
  progress.begin(200_000_000);
  for (let step = 0; step < seconds * 20; step++) {
    at += 50;
    progress.add(500_000);
  }
  progress.end();
  return lines;
}

describe("progress", () => {
  it("is one bar for a person, cleared at the end", () => {
    const lines = told(2, { terminal: true });
    expect(lines.length).toBeGreaterThan(5);
    expect(lines[0]).toMatch(/^\r[█░]{20} 2 % {2}5\/200 MB · 10 MB\/s · 20 s left/);
    expect(lines.at(-1)).toBe("\r\u001b[K");
  });

  it("is a plain line every five seconds for anything else", () => {
    expect(told(11, { terminal: false }).map((line) => line.slice(21))).toEqual([
      "25 %  50/200 MB · 10 MB/s · 15 s left\n",
      "50 %  100/200 MB · 10 MB/s · 10 s left\n",
    ]);
  });

  it("is silent for what is over at once, and where it is to be quiet", () => {
    expect(told(0.4, { terminal: true })).toEqual([]);
    expect(told(10, { terminal: true, quiet: true })).toEqual([]);
  });

  it("knows no end of nothing", () => {
    expect(formatProgress({ done: 0, total: 0, forMs: 0 })).toBe(`${"█".repeat(20)} 100 %  0/0 MB · 0 MB/s`);
  });
});
