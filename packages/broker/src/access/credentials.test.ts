import { describe, expect, it } from "vitest";
import { RecordingLog } from "../testing/recording-log.ts";
import { Credentials, type DeclaredKey } from "./credentials.ts";

const DEV = { id: "dev", secret: "dev-secret" };

describe("credentials", () => {
  it("REQ-1.1: an undeclared key id is let in and said once per id", () => {
    const log = new RecordingLog();
    const credentials = new Credentials({ keys: [DEV], undeclared: "let-in", log });
    for (const id of ["shop", "shop", "bakery"]) expect(credentials.find(id)).toEqual({ kind: "let-in" });
    expect(log.entries.map(({ event, fields }) => [event, fields.accessKeyId])).toEqual([
      ["access-key.let-in", "shop"],
      ["access-key.let-in", "bakery"],
    ]);
  });

  it("REQ-1.1: the memory of ids said is bounded", () => {
    const log = new RecordingLog();
    const credentials = new Credentials({ keys: [], undeclared: "let-in", log });
    for (let n = 0; n < 1_500; n++) credentials.find(`id-${n}`);
    expect(log.entries).toHaveLength(1_000);
    credentials.find("x".repeat(5_000));
    expect(log.entries).toHaveLength(1_000);
  });

  it("REQ-1.2: a declared id is known by its secret", () => {
    const log = new RecordingLog();
    const key = new Credentials({ keys: [DEV], undeclared: "let-in", log }).find("dev") as DeclaredKey;
    expect(key.kind).toBe("declared");
    expect(key.secret.export().toString("utf8")).toBe("dev-secret");
    expect(log.entries).toEqual([]);
  });

  it("REQ-1.3: an undeclared id is unknown where they are refused", () => {
    const log = new RecordingLog();
    expect(new Credentials({ keys: [DEV], undeclared: "refuse", log }).find("shop")).toEqual({ kind: "unknown" });
    expect(log.entries).toEqual([]);
  });

  it("WIRE-37: a registered token must match, without one any or none will do", () => {
    const keys = [DEV, { id: "sts", secret: "s", token: "tok" }];
    const credentials = new Credentials({ keys, undeclared: "refuse", log: new RecordingLog() });
    const verdicts = (id: string) =>
      [undefined, "", "other", "tok"].map((token) => (credentials.find(id) as DeclaredKey).acceptsToken(token));
    expect(verdicts("dev")).toEqual([true, true, true, true]);
    expect(verdicts("sts")).toEqual([false, false, false, true]);
  });
});
