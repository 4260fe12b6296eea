import { describe, expect, it } from "vitest";
import { Lanes } from "./lanes.ts";

/** Work that ends when it is told to, and writes down when it began. */
function works() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (name: string) => () => {
    begun.push(name);
    return new Promise<void>((resolve) => ends.set(name, resolve));
  };
  return { begun, work, end: (name: string) => ends.get(name)?.() };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("lanes", () => {
  it("in one lane one after the other, in two side by side", async () => {
    const { begun, work, end } = works();
    const lanes = new Lanes(9);
    await lanes.enter("a", work("a1"));
    await lanes.enter("a", work("a2"));
    await lanes.enter("b", work("b1"));
    await settled();
    expect(begun).toEqual(["a1", "b1"]);
    end("a1");
    await settled();
    expect(begun).toEqual(["a1", "b1", "a2"]);
  });

  it("no more at once than there is room for", async () => {
    const { begun, work, end } = works();
    const lanes = new Lanes(2);
    await lanes.enter("a", work("a"));
    let hasRoom = false;
    const entered = lanes.enter("b", work("b")).then(() => {
      hasRoom = true;
    });
    await settled();
    expect([begun, hasRoom]).toEqual([["a", "b"], false]);
    end("a");
    await entered;
    expect(hasRoom).toBe(true);
  });

  it("are drained when all is done", async () => {
    const { work, end } = works();
    const lanes = new Lanes(9);
    await lanes.enter("a", work("a"));
    await settled();
    let isDrained = false;
    const drained = lanes.drained().then(() => {
      isDrained = true;
    });
    await settled();
    expect(isDrained).toBe(false);
    end("a");
    await drained;
  });

  it("tell of work that did not report its failure", async () => {
    const lanes = new Lanes(9);
    await lanes.enter("a", () => Promise.reject(new Error("a bug")));
    await settled();
    await expect(lanes.drained()).rejects.toThrow("a bug");
    await expect(lanes.enter("b", async () => {})).rejects.toThrow("a bug");
  });
});
