import { describe, expect, it } from "vitest";
import { KIB } from "../domain/size.ts";
import { ReadBudget } from "./read-budget.ts";

const never = new AbortController().signal;

/** Names what was reserved, in order. */
function reservations(budget: ReadBudget) {
  const granted: string[] = [];
  const reserve = async (name: string, bytes: number, signal = never) => {
    await budget.reserve(bytes, signal).then(
      () => granted.push(name),
      () => granted.push(`${name} left`),
    );
  };
  return { granted, reserve };
}

/** Lets every promise that can run have run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

describe("the memory that requests share", () => {
  it("REQ-2.2: what does not fit waits for room, first come first served", async () => {
    const budget = new ReadBudget(300 * KIB);
    const { granted, reserve } = reservations(budget);
    const all = [reserve("a", 200 * KIB), reserve("b", 200 * KIB), reserve("c", 90 * KIB)];
    await settle();
    expect(granted).toEqual(["a"]);
    budget.release(200 * KIB);
    await Promise.all(all);
    expect(granted).toEqual(["a", "b", "c"]);
  });

  it("REQ-2.2: up to 64 KiB never wait, but count", async () => {
    const budget = new ReadBudget(100 * KIB);
    const { granted, reserve } = reservations(budget);
    await reserve("large", 100 * KIB);
    const second = reserve("second", 65 * KIB);
    await reserve("small", 64 * KIB);
    budget.release(100 * KIB);
    await settle();
    expect(granted).toEqual(["large", "small"]);
    budget.release(64 * KIB);
    await second;
  });

  it("REQ-2.2: one larger than all there is gets its turn when it is alone", async () => {
    const budget = new ReadBudget(100 * KIB);
    const { granted, reserve } = reservations(budget);
    await reserve("huge", 900 * KIB);
    const next = reserve("next", 65 * KIB);
    await settle();
    expect(granted).toEqual(["huge"]);
    budget.release(900 * KIB);
    await next;
  });

  it("REQ-2.2: one that leaves makes way for those behind it", async () => {
    const budget = new ReadBudget(300 * KIB);
    const { granted, reserve } = reservations(budget);
    const leaving = new AbortController();
    await reserve("a", 200 * KIB);
    const all = [reserve("b", 200 * KIB, leaving.signal), reserve("c", 100 * KIB)];
    leaving.abort();
    await Promise.all(all);
    expect(granted.toSorted()).toEqual(["a", "b left", "c"]);
    await reserve("d", 70 * KIB, leaving.signal);
    expect(granted).toContain("d left");
  });
});
