import { describe, expect, it } from "vitest";
import type { Fact, Position } from "./fact.ts";
import { MemoryJournal } from "./memory-journal.ts";

const aFact = (id: number, reach = 0): Fact => ({
  kind: "deliveries-given-back",
  topic: 1,
  group: 2,
  queue: id,
  offsets: Array.from({ length: reach }, (_, offset) => offset),
  why: "hung-up",
});

describe("the memory journal", () => {
  it("gives back every fact by its position, also far back and large ones", async () => {
    const journal = new MemoryJournal(new Uint8Array(32));
    await journal.open();
    const facts = Array.from({ length: 300 }, (_, id) => aFact(id, id === 9 ? 400_000 : 3_000));
    const positions = facts.map((fact) => journal.append([fact])[0] as Position);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    expect(new Set(positions).size).toBe(300);
    for (const index of [0, 8, 9, 10, 150, 299]) {
      expect(await journal.read(positions[index] as Position)).toEqual(facts[index]);
    }
    await journal.synced(positions[299] as Position);
    await journal.close();
  });

  it("shares no object with who appended or read", async () => {
    const journal = new MemoryJournal(new Uint8Array(32));
    const offsets = [1, 2];
    const [position] = journal.append([
      { kind: "deliveries-given-back", topic: 1, group: 2, queue: 0, offsets, why: "hung-up" },
    ]);
    offsets.push(3);
    const read = await journal.read(position as Position);
    expect(read).toMatchObject({ offsets: [1, 2] });
    expect(await journal.read(position as Position)).not.toBe(read);
  });

  it("adds nothing of an append of which one fact cannot be written", async () => {
    const journal = new MemoryJournal(new Uint8Array(32));
    expect(() => journal.append([aFact(1), aFact(-1)])).toThrow(TypeError);
    expect(await journal.read(journal.append([aFact(3)])[0] as Position)).toEqual(aFact(3));
  });

  it("frees what is forgotten, but the newest page and what is pinned", async () => {
    const journal = new MemoryJournal(new Uint8Array(32));
    const positions = [1, 2, 3].map((id) => journal.append([aFact(id, 300_000)])[0] as Position);
    const [first, second, third] = positions as [Position, Position, Position];
    expect(journal.segments).toEqual([
      { number: 1, from: first, to: second },
      { number: 2, from: second, to: third },
      { number: 3, from: third, to: journal.replaysFrom },
    ]);
    const release = journal.pin(second);
    await journal.forget(journal.replaysFrom);
    await expect(journal.read(first)).rejects.toThrow(RangeError);
    expect(await journal.read(second)).toEqual(aFact(2, 300_000));
    release();
    await journal.forget(journal.replaysFrom);
    await expect(journal.read(second)).rejects.toThrow(RangeError);
    expect(await journal.read(third)).toEqual(aFact(3, 300_000));
    expect(journal.append([aFact(4)])).toEqual([journal.segments.at(-1)?.from]);
    expect(journal.segments.map(({ number }) => number)).toEqual([3, 4]);
  });

  it("lets go of the state of a snapshot, unread", async () => {
    let isReleased = false;
    const state: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => expect.fail("It was read."),
        return: async () => {
          isReleased = true;
          return { done: true, value: undefined };
        },
      }),
    };
    const journal = new MemoryJournal(new Uint8Array(32));
    await journal.keepSnapshot(0, state);
    expect(isReleased).toBe(true);
    expect(await journal.snapshot()).toBeUndefined();
  });

  it("begins empty", async () => {
    const slices = [];
    for await (const slice of new MemoryJournal(new Uint8Array(32)).replay()) slices.push(slice);
    expect(slices).toEqual([]);
  });
});
