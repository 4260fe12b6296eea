import { describe, expect, it } from "vitest";
import { BrokerError } from "../../src/domain/broker-error.ts";
import type { Position } from "../../src/embedded/journal/fact.ts";
import { FaultyDisk } from "../../src/testing/faulty-disk.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { aFact, aWorld, FIRST_SEGMENT, numbersOf, openJournal } from "./open-journal.ts";

const refused = { code: "storage-failed" };

/** Appends one fact and returns its position. */
function put(journal: { append(facts: [ReturnType<typeof aFact>]): Position[] }, number: number): Position {
  return journal.append([aFact(number)])[0] as Position;
}

async function stateOf(promise: Promise<unknown>): Promise<"pending" | "resolved" | "rejected"> {
  let state: "pending" | "resolved" | "rejected" = "pending";
  const watched = promise.then(
    () => {
      state = "resolved";
    },
    () => {
      state = "rejected";
    },
  );
  // Far more turns than a write and a sync of the simulated disk take.
  for (let turn = 0; turn < 200; turn++) await undefined;
  return state === "pending" ? state : watched.then(() => state);
}

describe("the file journal", () => {
  it("gives back what was appended, in order, at the positions it named", async () => {
    const world = aWorld();
    const disk = new FaultyDisk(world.random);
    const { journal } = await openJournal(world, disk);
    const positions = [...journal.append([aFact(1), aFact(2)]), put(journal, 3)];
    expect(await Promise.all(positions.map((position) => journal.read(position)))).toEqual(
      [1, 2, 3].map((n) => aFact(n)),
    );
    await journal.synced(positions.at(-1) as Position);
    expect(await journal.read(positions[1] as Position)).toEqual(aFact(2));
    await journal.close();

    const again = await openJournal(world, disk.kill());
    expect(numbersOf(again.replayed)).toEqual([1, 2, 3]);
    expect(await again.journal.read(positions[1] as Position)).toEqual(aFact(2));
    expect(again.journal.secret).toEqual(journal.secret);
  });

  it("reads at once what is in memory, and what stands beside what was read", async () => {
    const world = aWorld();
    const disk = new FaultyDisk(world.random);
    const { journal } = await openJournal(world, disk);
    const body = "x".repeat(20_000);
    const positions = Array.from({ length: 10 }, (_, number) => journal.append([aFact(number, body)])[0] as Position);
    expect(positions.map((position) => journal.readAtOnce(position))).toEqual(
      positions.map((_, number) => aFact(number, body)),
    );
    await journal.synced(positions.at(-1) as Position);
    await journal.close();

    const { journal: again } = await openJournal(world, disk.kill());
    const first = positions[0] as Position;
    expect(again.readAtOnce(first)).toBeUndefined();
    await again.read(first);
    // A block is 64 KiB: three facts and a part of the fourth.
    const isThere = positions.map((position) => again.readAtOnce(position) !== undefined);
    expect(isThere).toEqual([true, true, true, ...Array.from({ length: 7 }, () => false)]);
  });

  it("goes on in a new segment when one is full, and reads from all of them", async () => {
    const world = aWorld();
    const disk = new FaultyDisk(world.random);
    const { journal } = await openJournal(world, disk, { segmentBytes: 300, cacheBytes: 0 });
    const positions: Position[] = [];
    for (let number = 0; number < 12; number++) {
      positions.push(put(journal, number));
      await journal.synced(positions[number] as Position);
    }
    expect(disk.paths().filter((path) => path.endsWith(".seg")).length).toBeGreaterThan(2);
    for (const [number, position] of positions.entries()) expect(await journal.read(position)).toEqual(aFact(number));
    const { replayed } = await openJournal(world, disk.crash("lost"), { segmentBytes: 300 });
    expect(numbersOf(replayed)).toEqual([...positions.keys()]);
  });

  it("reads a fact that is larger than a block, and one that lies across two", async () => {
    const world = aWorld();
    const { journal } = await openJournal(world, new FaultyDisk(world.random), { cacheBytes: 0 });
    const facts = Array.from({ length: 40 }, (_, number) => aFact(number, "x".repeat(number === 7 ? 200_000 : 5_000)));
    const positions = journal.append(facts);
    await journal.synced(positions.at(-1) as Position);
    expect(await Promise.all(positions.map((position) => journal.read(position)))).toEqual(facts);
  });

  it("adds nothing of an append of which one fact cannot be written", async () => {
    const world = aWorld();
    const disk = new FaultyDisk(world.random);
    const { journal } = await openJournal(world, disk);
    expect(() => journal.append([aFact(1), { ...aFact(2), topic: Number.NaN } as never])).toThrow(TypeError);
    await journal.synced(put(journal, 3));
    const { replayed } = await openJournal(world, disk.crash("lost"));
    expect(numbersOf(replayed)).toEqual([3]);
  });

  it("writes what came while a sync was under way with one write and one sync", async () => {
    const world = aWorld();
    const disk = new FaultyDisk(world.random);
    const { journal } = await openJournal(world, disk);
    disk.holdSyncs();
    const first = put(journal, 0);
    await stateOf(journal.synced(first));
    const before = disk.counts.syncs;
    const positions = Array.from({ length: 64 }, (_, number) => put(journal, number + 1));
    disk.releaseSyncs();
    await Promise.all(positions.map((position) => journal.synced(position)));
    expect(disk.counts.syncs - before).toBe(2);
  });

  it("PUB-1.1: nothing counts as synced before its sync has returned", async () => {
    const world = aWorld();
    const disk = new FaultyDisk(world.random);
    const { journal } = await openJournal(world, disk);
    disk.holdSyncs();
    const synced = journal.synced(put(journal, 1));
    expect(await stateOf(synced)).toBe("pending");
    const later = journal.synced(put(journal, 2));
    disk.releaseSyncs();
    expect([await stateOf(synced), await stateOf(later)]).toEqual(["resolved", "resolved"]);
  });

  it("PUB-1.3: relaxed counts what was written, and syncs within 100 ms", async () => {
    const world = aWorld();
    const disk = new FaultyDisk(world.random);
    const { journal } = await openJournal(world, disk, { durability: "relaxed", quietAfter: 10_000 });
    const syncs = disk.counts.syncs;
    await journal.synced(put(journal, 1));
    expect(disk.counts.syncs).toBe(syncs);
    await world.clock.advance(99);
    expect(disk.counts.syncs).toBe(syncs);
    await world.clock.advance(1);
    expect(disk.counts.syncs).toBe(syncs + 1);
    expect(numbersOf((await openJournal(world, disk.crash("lost"))).replayed)).toEqual([1]);
  });

  it("PUB-1.3: relaxed loses at a power cut what was not synced, and says that it cut it", async () => {
    const world = aWorld();
    const disk = new FaultyDisk(world.random);
    const { journal } = await openJournal(world, disk, { durability: "relaxed" });
    await journal.synced(put(journal, 1));
    expect(numbersOf((await openJournal(world, disk.crash("lost"))).replayed)).toEqual([]);
  });

  it.each(["write", "sync"] as const)("DUR-2.1: the first failed %s ends the journal for good", async (operation) => {
    const world = aWorld();
    const disk = new FaultyDisk(world.random);
    const { journal } = await openJournal(world, disk);
    const confirmed = put(journal, 1);
    await journal.synced(confirmed);
    disk.failNext(operation, "EIO");
    const positions = [put(journal, 2), put(journal, 3)];
    const waiting = positions.map((position) => journal.synced(position));
    for (const promise of waiting) await expect(promise).rejects.toMatchObject(refused);
    expect(await journal.failed).toMatchObject({ code: "EIO" });
    expect(() => put(journal, 4)).toThrow(BrokerError);
    await expect(journal.synced(confirmed)).rejects.toMatchObject(refused);
    const { writes, syncs } = disk.counts;
    await journal.close();
    expect(disk.counts).toEqual({ writes, syncs });
    const { replayed } = await openJournal(world, disk.crash("lost"));
    expect(numbersOf(replayed)).toEqual([1]);
  });

  it("DUR-2.2: those who wait for the next group are refused with those of the failed one", async () => {
    const world = aWorld();
    const disk = new FaultyDisk(world.random);
    const { journal } = await openJournal(world, disk);
    disk.holdSyncs();
    const first = journal.synced(put(journal, 1));
    await stateOf(first);
    const second = journal.synced(put(journal, 2));
    disk.failNext("sync", "EIO");
    disk.releaseSyncs();
    expect([await stateOf(first), await stateOf(second)]).toEqual(["rejected", "rejected"]);
  });

  it("DUR-2.1: a write that finds no space ends the journal, and the next start has what was confirmed", async () => {
    const world = aWorld();
    const disk = new FaultyDisk(world.random, { capacityBytes: 2_000 });
    const { journal } = await openJournal(world, disk);
    const confirmed: number[] = [];
    for (let number = 0; number < 100; number++) {
      try {
        await journal.synced(put(journal, number));
        confirmed.push(number);
      } catch {
        break;
      }
    }
    expect(await journal.failed).toMatchObject({ code: "ENOSPC" });
    const { replayed } = await openJournal(world, disk.crash("some"));
    expect(numbersOf(replayed)).toEqual(confirmed);
    expect(confirmed.length).toBeGreaterThan(3);
  });

  it("DUR-1.1: a fact that rotted while the broker runs is not read but ends the journal", async () => {
    const world = aWorld();
    const disk = new FaultyDisk(world.random);
    const { journal } = await openJournal(world, disk, { cacheBytes: 0 });
    const position = put(journal, 1);
    await journal.synced(position);
    disk.flipBit(FIRST_SEGMENT, (position + 30) * 8);
    await expect(journal.read(position)).rejects.toMatchObject(refused);
    await journal.failed;
    expect(() => put(journal, 2)).toThrow(BrokerError);
  });

  it("closes twice, takes nothing afterwards and lets go of the directory", async () => {
    const world = aWorld();
    const disk = new FaultyDisk(world.random);
    const { journal } = await openJournal(world, disk);
    const synced = journal.synced(put(journal, 1));
    await Promise.all([journal.close(), journal.close()]);
    await synced;
    expect(() => put(journal, 2)).toThrow("stopping");
    expect(numbersOf((await openJournal(world, disk)).replayed)).toEqual([1]);
  });

  it("tells once a second how far a slow replay has come, and nothing of a fast one", async () => {
    const world = aWorld();
    const disk = new FaultyDisk(world.random);
    const { journal } = await openJournal(world, disk);
    for (let group = 0; group < 5; group++) {
      await journal.synced(journal.append(Array.from({ length: 2_000 }, (_, n) => aFact(n))).at(-1) as Position);
    }
    await journal.close();
    await openJournal(world, disk.kill());
    expect(world.log.of("journal.replaying")).toEqual([]);
    await openJournal(world, disk.kill(), {}, () => world.clock.advance(600));
    const lines = world.log.of("journal.replaying").map(({ fields }) => fields);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({ percent: 59, facts: 6_000, secondsLeft: 1 });
    expect(lines[0]?.factsInAll).toBeCloseTo(10_000, -2);
    expect(lines[0]?.sentence).toMatch(/^replayed 59 %, 6,000 of 10,\d{3} facts, 1 s left$/);
  });
});

describe("DUR-1: what a quiet journal covers", () => {
  it("DUR-1.2: 50 ms after the last fact a quiet header is synced, and only one", async () => {
    const world = aWorld();
    const disk = new FaultyDisk(new SeededRandom(3));
    const { journal } = await openJournal(world, disk);
    await journal.synced(put(journal, 1));
    const before = disk.bytesOf(FIRST_SEGMENT).length;
    await world.clock.advance(49);
    expect(disk.bytesOf(FIRST_SEGMENT).length).toBe(before);
    await world.clock.advance(1);
    expect(disk.bytesOf(FIRST_SEGMENT).length).toBe(before + 32);
    await world.clock.advance(10_000);
    await journal.close();
    expect(disk.bytesOf(FIRST_SEGMENT).length).toBe(before + 32);
  });
});
