import { describe, expect, it } from "vitest";
import type { LogLevel } from "../log.ts";
import { type LogOutput, SystemLog } from "./system-log.ts";

/** Standard error as a pipe that is read, or not. */
class Pipe implements LogOutput {
  readonly written: string[] = [];
  writableLength = 0;
  writable = true;
  isDiskFull = false;
  readonly errorListeners: ((error: Error) => void)[] = [];

  write(text: string): boolean {
    if (this.isDiskFull) throw new Error("ENOSPC");
    this.written.push(text);
    return true;
  }

  on(_event: "error", listener: (error: Error) => void): void {
    this.errorListeners.push(listener);
  }
}

const AT = new Date(2026, 10, 21, 3, 41, 8, 210).getTime();
const DELIVERED = {
  id: "0AF10000000000000000000000000C9C",
  topic: "order_events",
  queue: 3,
  group: "GID_billing",
  tag: "paid",
  key: "o-1",
  attempt: 1,
  visibleAgainAt: new Date(2026, 10, 21, 3, 46, 8, 210).toISOString(),
};

function openLog(options: { level?: LogLevel; terminal?: boolean; colours?: boolean } = {}) {
  const pipe = new Pipe();
  const { level = "info", terminal = false, colours = false } = options;
  const output = Object.assign(pipe, { hasColors: () => colours });
  return { pipe, log: new SystemLog({ level, terminal, wall: () => AT, output }) };
}

describe("as JSON", () => {
  it("writes one line per event: level, time, event, then its fields", () => {
    const { log, pipe } = openLog();
    log.write("info", "message.delivered", DELIVERED);
    const time = new Date(AT).toISOString();
    expect(pipe.written).toEqual([
      `${JSON.stringify({ level: "info", time, event: "message.delivered", ...DELIVERED })}\n`,
    ]);
  });

  it("leaves out what is undefined and what is below the level", () => {
    const { log, pipe } = openLog({ level: "warn" });
    log.write("info", "message.delivered");
    log.write("warn", "topic.odd", { topic: "a", tag: undefined });
    expect(pipe.written).toHaveLength(1);
    expect(JSON.parse(pipe.written[0] ?? "")).toEqual({
      level: "warn",
      time: new Date(AT).toISOString(),
      event: "topic.odd",
      topic: "a",
    });
    expect([log.isEnabled("info"), log.isEnabled("error")]).toEqual([false, true]);
  });
});

describe("on a terminal", () => {
  it("says what happened to a message in one line", () => {
    const { log, pipe } = openLog({ terminal: true });
    log.write("info", "message.delivered", DELIVERED);
    expect(pipe.written).toEqual([
      "03:41:08.210 delivered  order_events#3  0AF10000000000000000000000000C9C  → GID_billing  attempt 1, back 03:46:08  tag=paid key=o-1\n",
    ]);
  });

  it("says a sentence instead of the event's name, and calls a warning one", () => {
    const { log, pipe } = openLog({ terminal: true });
    log.write("warn", "journal.cut", { sentence: "Cut 12 bytes.", file: "a b", offset: 4 });
    log.write("info", "topic.made", { sentence: "orders is ordered." });
    log.write("info", "broker.stopped");
    expect(pipe.written).toEqual([
      '03:41:08.210 warning  Cut 12 bytes.  file="a b" offset=4\n',
      "03:41:08.210 orders is ordered.\n",
      "03:41:08.210 broker.stopped\n",
    ]);
  });

  it("puts a stack on lines of its own", () => {
    const { log, pipe } = openLog({ terminal: true });
    log.write("error", "process.crashed", { sentence: "It broke.", stack: "Error: x\n    at y" });
    expect(pipe.written).toEqual(["03:41:08.210 error  It broke.\nError: x\n    at y\n"]);
  });

  it("lets no key or tag command the terminal", () => {
    const { log, pipe } = openLog({ terminal: true });
    log.write("info", "message.published", { topic: "a", tag: "\u001b[2J", key: "x\ny\u009b" });
    expect(pipe.written[0]).not.toMatch(/[^\P{Cc}\n]/u);
    expect(pipe.written[0]?.split("\n")).toHaveLength(2);
  });

  it("is coloured where the terminal has colours", () => {
    const { log, pipe } = openLog({ terminal: true, colours: true });
    log.write("info", "message.delivered", DELIVERED);
    expect(pipe.written[0]).toContain("\u001b[36mdelivered\u001b[39m");
  });
});

describe("when nobody reads", () => {
  it("drops lines while the pipe is full, and tells how many when it is read again", () => {
    const { log, pipe } = openLog();
    pipe.writableLength = 2 ** 20;
    log.write("info", "a.happened");
    log.write("info", "b.happened");
    expect(pipe.written).toEqual([]);
    pipe.writableLength = 0;
    log.write("info", "c.happened");
    expect(pipe.written.map((line) => JSON.parse(line))).toMatchObject([
      { event: "log.dropped", level: "warn", count: 2 },
      { event: "c.happened" },
    ]);
  });

  it("goes on without a word when the pipe is closed", () => {
    const { log, pipe } = openLog();
    expect(pipe.errorListeners).toHaveLength(1);
    pipe.errorListeners[0]?.(new Error("EPIPE"));
    pipe.writable = false;
    expect(() => log.write("info", "a.happened")).not.toThrow();
    expect(pipe.written).toEqual([]);
  });

  it("does not throw when its file is on a full disk", () => {
    const { log, pipe } = openLog();
    pipe.isDiskFull = true;
    expect(() => log.write("info", "a.happened")).not.toThrow();
    pipe.isDiskFull = false;
    log.write("info", "b.happened");
    expect(pipe.written[0]).toContain('"event":"log.dropped"');
  });
});
