import { describe, expect, it } from "vitest";
import { KIB } from "../../src/domain/size.ts";
import { MINUTE } from "../../src/domain/time.ts";
import type { EngineSettings } from "../../src/embedded/settings.ts";
import { RecordingLog } from "../../src/testing/recording-log.ts";
import { type Bench, bodiesOf } from "./bench.ts";
import { SmallDisk } from "./small-disk.ts";

const RETENTION = 10 * MINUTE;
const SPACE = { reserveBytes: 64 * KIB, minFreeBytes: 16 * KIB, segmentBytes: 8 * KIB };
const full = { code: "storage-full" };
const HALF = { kind: "transactional", firstCheckAfter: 300_000 } as const;

/** A disk that a broker fills by itself. */
class FilledDisk extends SmallDisk {
  readonly log: RecordingLog;
  readonly #settings: Partial<EngineSettings>;

  constructor(capacityBytes = 384 * KIB, settings: Partial<EngineSettings> = {}) {
    const log = new RecordingLog();
    super({ capacityBytes, journal: SPACE, log });
    this.log = log;
    this.#settings = { retentionAge: RETENTION, messageLogLevel: "debug", ...settings };
  }

  start(snapshotAfterBytes = 64 * KIB): Promise<Bench> {
    const housekeeping = { snapshotAfterBytes, snapshotAfterAtMostBytes: snapshotAfterBytes, roundEvery: MINUTE };
    return this.open({ housekeeping, ...this.#settings });
  }

  count(event: string): number {
    return this.log.of(event).length;
  }

  get segments(): number {
    return this.disk.paths().filter((path) => path.endsWith(".seg")).length;
  }
}

const inAnHour = (bench: Bench) => ({ kind: "delayed", deliverAt: bench.now + 60 * MINUTE }) as const;

/** Until it is refused. */
async function fill(bench: Bench, input: Parameters<Bench["publish"]>[0] = {}): Promise<void> {
  const publishAll = async (): Promise<void> => {
    for (let count = 0; count < 5_000; count++) {
      await bench.publish({ body: "x".repeat(KIB), ...input });
      if (count % 10 === 0) await bench.advance(100);
    }
  };
  await expect(publishAll()).rejects.toMatchObject(full);
}

describe("DUR-3, RET-1: a full disk frees itself", () => {
  for (const snapshotAfterBytes of [64 * KIB, 100_000 * KIB]) {
    const kept = snapshotAfterBytes > KIB * KIB ? "no snapshot was taken yet" : "two snapshots are kept";
    it(`DUR-3.4: what grew too old goes, though others have taken the last byte and ${kept}`, async () => {
      const small = new FilledDisk();
      const bench = await small.start(snapshotAfterBytes);
      await bench.publish({ topic: "later", body: "later", intent: inAnHour(bench) });
      // So that a snapshot takes more than what happens to be free.
      for (let group = 0; group < 200; group++) await bench.declareGroup(`GID_${group}`, { from: "earliest" });
      await fill(bench);
      await small.othersLeave(0);
      await bench.advance(500);
      const before = small.segments;
      await bench.advance(RETENTION + 3 * MINUTE);
      expect(small.segments).toBeLessThan(before / 4);
      await bench.publish({ body: "there is room" });
      expect(bodiesOf(await bench.receive())).toEqual(["there is room"]);
      await bench.advance(50 * MINUTE);
      expect(bodiesOf(await bench.receive({ topic: "later" }))).toEqual(["later"]);
      expect(small.count("disk.space-again")).toBeGreaterThan(0);
      expect(small.count("housekeeping.failed") + small.count("housekeeping.no-room")).toBe(0);
      await bench.close();
    });
  }

  it("DUR-3.4: what is dead goes before anything is copied", async () => {
    const small = new FilledDisk();
    const bench = await small.start();
    for (let count = 0; count < 60; count++) await bench.publish({ body: "x".repeat(KIB) });
    await bench.publish({ topic: "later", body: "later", intent: inAnHour(bench) });
    await fill(bench);
    await bench.advance(RETENTION + 3 * MINUTE);
    const copied = small.log.of("journal.shortened").map(({ fields }) => fields.copiedForward);
    expect(copied[0]).toBe(0);
    expect(copied).toContain(1);
    await bench.close();
  });

  it("DUR-3.5: also with the reserve used up: what grew too old goes, and there is space again", async () => {
    const small = new FilledDisk();
    const bench = await small.start();
    await fill(bench);
    await small.othersLeave(0);
    await bench.advance(500);
    for (let count = 0; count < 20_000 && small.count("disk.reserve-used-up") === 0; count += 1) {
      await bench.giveBack(await bench.receive({ max: 1 }), { noRoom: true }).catch(() => undefined);
    }
    expect(small.count("disk.reserve-used-up")).toBe(1);
    await bench.advance(RETENTION + 3 * MINUTE);
    await bench.publish({ body: "there is room" });
    expect(bodiesOf(await bench.receive())).toEqual(["there is room"]);
    await bench.close();
  });

  it("DUR-3.3: what does not fit is left where it is, and said once; the reserve stays for those who consume", async () => {
    const small = new FilledDisk();
    const bench = await small.start();
    // More than a quarter of the reserve, less than half of what must go.
    for (let count = 0; count < 30; count++)
      await bench.publish({ topic: "later", body: "x".repeat(KIB), intent: inAnHour(bench) });
    for (let count = 0; count < 60; count++) await bench.publish({ body: "x".repeat(KIB) });
    await small.othersLeave(0);
    await bench.publish({ body: "noticed" });
    await bench.advance(500);
    await bench.settle();
    const before = small.segments;
    await bench.advance(RETENTION + 10 * MINUTE);
    expect(small.segments).toBeGreaterThan(before / 2);
    expect(small.count("housekeeping.no-room")).toBe(1);
    expect(small.count("housekeeping.failed")).toBe(0);
    expect(small.reserved).toBeGreaterThanOrEqual(SPACE.reserveBytes / 4);
    await expect(bench.publish()).rejects.toMatchObject(full);
    await small.othersLeave(200 * KIB);
    await bench.advance(3 * MINUTE);
    expect(small.segments).toBeLessThan(before / 2 + 3);
    await bench.publish({ body: "there is room" });
    await bench.close();
  });

  for (const beside of [0, -1]) {
    it(`DUR-3.2: with the disk at the mark (${beside}) the retention goes on, and each change is told once`, async () => {
      const small = new FilledDisk();
      const bench = await small.start();
      for (let count = 0; count < 60; count++) await bench.publish({ body: "x".repeat(KIB) });
      await small.othersLeave(SPACE.minFreeBytes + beside);
      await bench.advance(RETENTION + 3 * MINUTE);
      expect(small.segments).toBeLessThan(4);
      await bench.publish({ body: "there is room" });
      expect(small.count("disk.full") - small.count("disk.space-again")).toBe(0);
      expect(small.count("disk.full")).toBeLessThanOrEqual(1);
      await bench.close();
    });
  }

  it("RET-1.4: half messages that alone exceed the size are copied in no circles, on a full disk neither", async () => {
    const retentionBytes = 128 * KIB;
    const small = new FilledDisk(KIB * KIB, { retentionBytes, retentionAge: 60 * RETENTION });
    const bench = await small.start(16 * KIB);
    await fill(bench, { topic: "half", intent: HALF });
    const written = (): number => small.disk.counts.writes;
    await bench.advance(5 * MINUTE);
    for (const free of [200 * KIB, 0]) {
      await small.othersLeave(free);
      await bench.advance(2 * MINUTE);
      const before = written();
      await bench.advance(30 * MINUTE);
      expect(written() - before).toBeLessThan(20);
      await expect(bench.publish()).rejects.toMatchObject(full);
    }
    expect(await bench.receiveHalf({ topic: "half" })).toHaveLength(16);
    await bench.close();
  });
});

describe("DUR-3, RET-1: killed while a full disk frees itself", () => {
  /** Filled, with the retention about to pass. */
  async function aFullDisk(): Promise<{ small: FilledDisk; bench: Bench }> {
    const small = new FilledDisk(192 * KIB);
    const bench = await small.start(16 * KIB);
    await bench.publish({ topic: "later", body: "later", intent: inAnHour(bench) });
    await fill(bench);
    await small.othersLeave(0);
    await bench.advance(RETENTION - 5_000);
    return { small, bench };
  }

  it("DUR-3.6, RET-1.4: at every seventh disk operation: the next start goes on freeing, and what waits is there", async () => {
    let isOver = false;
    for (let steps = 0; !isOver; steps += 7) {
      const { small, bench } = await aFullDisk();
      small.disk.cutPowerAfter(steps);
      await bench.advance(2 * MINUTE);
      isOver = !small.disk.isDead;
      small.disk = steps % 2 === 0 ? small.disk.kill() : small.disk.crash();
      const next = await small.start(16 * KIB);
      await next.advance(3 * MINUTE);
      await next.publish({ body: "there is room" });
      await next.advance(46 * MINUTE);
      expect(bodiesOf(await next.receive({ topic: "later" }))).toEqual(["later"]);
      expect(small.count("journal.failed") + small.count("housekeeping.failed")).toBe(0);
      await next.close();
    }
  });
});
