import { describe, expect, it } from "vitest";
import { ConnectionTurns, type Purpose } from "./connection-turns.ts";

/** Everybody's turns, under their names, in the order in which they come. */
class Takers {
  readonly come: string[] = [];
  readonly giveBack = new Map<string, () => void>();
  readonly #turns: ConnectionTurns;

  constructor(count: number) {
    this.#turns = new ConnectionTurns(count);
  }

  take(name: string, purpose: Purpose, signal = new AbortController().signal): Promise<void> {
    return this.#turns.take(purpose, signal).then((giveBack) => {
      this.come.push(name);
      this.giveBack.set(name, giveBack);
    });
  }

  async leave(name: string): Promise<void> {
    this.giveBack.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("ConnectionTurns", () => {
  it("come to who asked first, and who may not wait yet holds up nobody behind", async () => {
    const takers = new Takers(4);
    for (const name of ["w1", "w2", "w3"]) await takers.take(name, "wait");
    const late = [takers.take("w4", "wait"), takers.take("c1", "call"), takers.take("c2", "call")];
    await takers.leave("none");
    expect(takers.come).toEqual(["w1", "w2", "w3", "c1"]);
    await takers.leave("c1");
    expect(takers.come.at(-1)).toBe("c2");
    const last = takers.take("c3", "call");
    await takers.leave("w1");
    expect(takers.come.at(-1)).toBe("w4");
    await takers.leave("w2");
    expect(takers.come.at(-1)).toBe("c3");
    await Promise.all([...late, last]);
  });

  it("pass over those who gave up, wherever they stood", async () => {
    const takers = new Takers(2);
    for (const name of ["a", "b"]) await takers.take(name, "call");
    const abort = new AbortController();
    const gone = ["c", "e", "f"].map((name) => takers.take(name, "call", abort.signal));
    const waiting = ["d", "g"].map((name) => takers.take(name, "call"));
    abort.abort("enough");
    for (const one of gone) await expect(one).rejects.toBe("enough");
    await takers.leave("a");
    await takers.leave("b");
    await Promise.all(waiting);
    expect(takers.come).toEqual(["a", "b", "d", "g"]);
  });

  it("come to all of very many, in their order", async () => {
    const takers = new Takers(2);
    const names = Array.from({ length: 2_000 }, (_, n) => `t${n}`);
    const all = names.map((name) => takers.take(name, "call"));
    for (const name of names) await Promise.resolve().then(() => takers.leave(name));
    await Promise.all(all);
    expect(takers.come).toEqual(names);
  });
});
