import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Awaited, DueQueue, isSooner } from "./due-queue.ts";
import { NOT_IN_HEAP } from "./indexed-heap.ts";

const anItem = (rank: number, until: number): Awaited => ({ rank, until, isDue: false, heapIndex: NOT_IN_HEAP });

describe("DueQueue", () => {
  it("hands over what came due once, oldest first, and keeps it until it is removed", () => {
    const queue = new DueQueue<Awaited>();
    const [late, first, second] = [anItem(0, 30), anItem(2, 10), anItem(1, 20)];
    for (const item of [late, first, second]) queue.add(item);
    const cameDue: Awaited[] = [];
    const settle = (now: number): void => queue.settle(now, (item) => cameDue.push(item));
    settle(9);
    expect([queue.nextAt, queue.dueCount, cameDue]).toEqual([10, 0, []]);
    settle(20);
    settle(20);
    expect(cameDue).toEqual([first, second]);
    expect([...queue.due()]).toEqual([first, second]);
    expect([queue.nextAt, queue.dueCount, queue.size]).toEqual([30, 2, 3]);
    queue.remove(first);
    expect([...queue.due()]).toEqual([second]);
  });

  it("has it due exactly at its instant, the smaller rank first", () => {
    const queue = new DueQueue<Awaited>();
    const items = [3, 1, 2].map((rank) => anItem(rank, 10));
    for (const item of items) queue.add(item);
    queue.settle(10);
    expect([...queue.due()].map(({ rank }) => rank)).toEqual([1, 2, 3]);
  });

  it("takes back what was due for a later instant", () => {
    const queue = new DueQueue<Awaited>();
    const item = anItem(1, 10);
    queue.add(item);
    queue.settle(10);
    queue.remove(item);
    item.until = 40;
    queue.add(item);
    expect([queue.nextAt, queue.dueCount]).toEqual([40, 0]);
    queue.settle(39);
    expect([...queue.due()]).toEqual([]);
  });

  it("is what two sorted lists would be", () => {
    const step = fc.record({
      verb: fc.constantFrom("add" as const, "remove" as const, "settle" as const),
      after: fc.nat({ max: 10 }),
      which: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new DueQueue<Awaited>();
        const naive: Awaited[] = [];
        let now = 0;
        for (const [rank, { verb, after, which }] of steps.entries()) {
          const chosen = naive[which % Math.max(1, naive.length)];
          if (verb === "settle") now += after;
          else if (verb === "remove" && chosen !== undefined) {
            queue.remove(chosen);
            naive.splice(naive.indexOf(chosen), 1);
          } else {
            const item = anItem(rank, now + after);
            queue.add(item);
            naive.push(item);
          }
          queue.settle(now);
          const due = naive.filter(({ until }) => until <= now).sort((one, other) => (isSooner(one, other) ? -1 : 1));
          const waiting = naive.filter(({ until }) => until > now).map(({ until }) => until);
          expect([...queue.due()]).toEqual(due);
          expect([queue.size, queue.dueCount]).toEqual([naive.length, due.length]);
          expect(queue.nextAt).toBe(
            waiting.reduce((least, until) => (until < least ? until : least), Number.POSITIVE_INFINITY),
          );
        }
      }),
    );
  });
});
