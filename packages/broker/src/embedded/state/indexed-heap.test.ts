import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IndexedHeap, NOT_IN_HEAP } from "./indexed-heap.ts";

interface Item {
  readonly name: number;
  at: number;
  heapIndex: number;
}

const isBefore = (one: Item, other: Item): boolean => (one.at === other.at ? one.name < other.name : one.at < other.at);
const inOrder = (items: Iterable<Item>): Item[] => [...items].sort((one, other) => (isBefore(one, other) ? -1 : 1));

const step = fc.record({
  verb: fc.constantFrom("add" as const, "remove" as const, "move" as const),
  at: fc.integer({ min: 0, max: 9 }),
  which: fc.nat(),
});

describe("IndexedHeap", () => {
  it("gives what a sorted list would, whatever is added, removed from the middle and moved", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const heap = new IndexedHeap<Item>(isBefore);
        const naive: Item[] = [];
        for (const [name, { verb, at, which }] of steps.entries()) {
          const chosen = naive[which % Math.max(1, naive.length)];
          if (verb === "add" || chosen === undefined) {
            const item = { name, at, heapIndex: NOT_IN_HEAP };
            expect(heap.has(item)).toBe(false);
            heap.add(item);
            naive.push(item);
          } else if (verb === "remove") {
            heap.remove(chosen);
            naive.splice(naive.indexOf(chosen), 1);
            expect([heap.has(chosen), chosen.heapIndex]).toEqual([false, NOT_IN_HEAP]);
          } else {
            chosen.at = at;
            heap.moved(chosen);
          }
          const sorted = inOrder(naive);
          expect(heap.first).toBe(sorted[0]);
          expect(heap.size).toBe(sorted.length);
          expect([...heap.inOrder()]).toEqual(sorted);
          expect(sorted.every((item) => heap.has(item))).toBe(true);
        }
      }),
    );
  });

  it("changes nothing by being read in order", () => {
    const heap = new IndexedHeap<Item>(isBefore);
    for (let name = 0; name < 20; name++) heap.add({ name, at: (name * 7) % 10, heapIndex: NOT_IN_HEAP });
    const once = [...heap.inOrder()];
    expect([...heap.inOrder()]).toEqual(once);
    const taken: Item[] = [];
    for (let first = heap.first; first !== undefined; first = heap.first) {
      heap.remove(first);
      taken.push(first);
    }
    expect(taken).toEqual(once);
  });
});
