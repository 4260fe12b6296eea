import { describe, expect, it } from "vitest";
import type { Log, LogFields } from "../runtime/log.ts";
import { Credentials, type DeclaredKey } from "./credentials.ts";

function aLog(): Log & { lines: (LogFields & { event: string })[] } {
  const lines: (LogFields & { event: string })[] = [];
  return { lines, write: (_level, event, fields) => lines.push({ event, ...fields }) };
}

const DEV = { id: "dev", secret: "dev-secret" };

describe("credentials", () => {
  it("REQ-1.1: an undeclared key id is let in and said once per id", () => {
    const log = aLog();
    const credentials = new Credentials({ keys: [DEV], undeclared: "let-in", log });
    for (const id of ["shop", "shop", "bakery"]) expect(credentials.find(id)).toEqual({ kind: "let-in" });
    expect(log.lines.map((line) => [line.event, line.accessKeyId])).toEqual([
      ["access-key.let-in", "shop"],
      ["access-key.let-in", "bakery"],
    ]);
  });

  it("REQ-1.1: the memory of ids said is bounded", () => {
    const log = aLog();
    const credentials = new Credentials({ keys: [], undeclared: "let-in", log });
    for (let n = 0; n < 1_500; n++) credentials.find(`id-${n}`);
    expect(log.lines).toHaveLength(1_000);
    credentials.find("x".repeat(5_000));
    expect(log.lines).toHaveLength(1_000);
  });

  it("REQ-1.2: a declared id is known by its secret", () => {
    const log = aLog();
    const key = new Credentials({ keys: [DEV], undeclared: "let-in", log }).find("dev") as DeclaredKey;
    expect(key.kind).toBe("declared");
    expect(key.secret.export().toString("utf8")).toBe("dev-secret");
    expect(log.lines).toEqual([]);
  });

  it("REQ-1.3: an undeclared id is unknown where they are refused", () => {
    const log = aLog();
    expect(new Credentials({ keys: [DEV], undeclared: "refuse", log }).find("shop")).toEqual({ kind: "unknown" });
    expect(log.lines).toEqual([]);
  });

  it("WIRE-37: a registered token must match, without one any or none will do", () => {
    const keys = [DEV, { id: "sts", secret: "s", token: "tok" }];
    const credentials = new Credentials({ keys, undeclared: "refuse", log: aLog() });
    const verdicts = (id: string) =>
      [undefined, "", "other", "tok"].map((token) => (credentials.find(id) as DeclaredKey).acceptsToken(token));
    expect(verdicts("dev")).toEqual([true, true, true, true]);
    expect(verdicts("sts")).toEqual([false, false, false, true]);
  });
});
