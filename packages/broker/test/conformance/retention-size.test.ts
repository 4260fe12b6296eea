import { describe, expect, it } from "vitest";
import { KIB, MIB } from "../../src/domain/size.ts";
import { HOUR } from "../../src/domain/time.ts";
import { FileJournal } from "../../src/embedded/journal/file-journal.ts";
import { MemoryJournal } from "../../src/embedded/journal/memory-journal.ts";
import { FaultyDisk } from "../../src/testing/faulty-disk.ts";
import { RecordingLog } from "../../src/testing/recording-log.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { SimulatedClock } from "../../src/testing/simulated-clock.ts";
import { type Bench, INSTANCE } from "./bench.ts";
import { openOver } from "./open-embedded.ts";

const LIMIT = 256 * KIB;
const SEGMENT = 8 * KIB;
const BODY = "x".repeat(KIB);
/** The frame, key and id of a message of this size. */
const MESSAGE = BODY.length + 90;
const ENOUGH = (2 * LIMIT) / MESSAGE;
const TRANSACTIONAL = { kind: "transactional", firstCheckAfter: 300_000 } as const;
const HOUSEKEEPING = { snapshotAfterBytes: 16 * KIB, roundEvery: 10_000 };

async function open(): Promise<{ readonly bench: Bench; readonly sizeOf: () => number }> {
  const random = new SeededRandom(1);
  const clock = new SimulatedClock();
  const log = new RecordingLog();
  const runtime = { clock, random, log, disk: new FaultyDisk(random) };
  const journal = new FileJournal(runtime, { directory: "/data", version: "0.0.0-test", segmentBytes: SEGMENT });
  const settings = { retentionBytes: LIMIT, messageLogLevel: "debug", housekeeping: HOUSEKEEPING } as const;
  const bench = await openOver(journal, { clock, random, log, settings });
  const sizeOf = () => (journal.segments.at(-1)?.to ?? 0) - (journal.segments[0]?.from ?? 0);
  return { bench, sizeOf };
}

async function publish(bench: Bench, count: number, topic = "orders"): Promise<void> {
  for (let index = 0; index < count; index++) await bench.publish({ topic, body: BODY, key: `${topic}-${index}` });
  await bench.advance(20_000);
}

/** The keys that a new group gets, in order. */
async function drain(bench: Bench, topic = "orders"): Promise<string[]> {
  const keys: string[] = [];
  for (;;) {
    const deliveries = await bench.receive({ topic, group: "GID_reader" });
    if (deliveries.length === 0) return keys;
    keys.push(...deliveries.map(({ message }) => message.key));
  }
}

describe("retention by size", () => {
  it("RET-1.1: above the size the oldest are dropped, consumed or not, and the rest fits", async () => {
    const { bench, sizeOf } = await open();
    await publish(bench, ENOUGH);
    const keys = await drain(bench);
    expect(keys.length * MESSAGE).toBeLessThanOrEqual(LIMIT);
    expect(keys.length * MESSAGE).toBeGreaterThan(LIMIT * 0.8);
    const last = Math.ceil(ENOUGH) - 1;
    expect(keys).toEqual(keys.map((_, index) => `orders-${last - keys.length + 1 + index}`));
    expect(bench.log.of("messages.dropped").every(({ fields }) => fields.reason === "size")).toBe(true);
    await bench.advance(60_000);
    expect(sizeOf()).toBeLessThanOrEqual(LIMIT + 4 * SEGMENT);
  });

  it("RET-1.1: in memory too, and the memory is given back", async () => {
    const journal = new MemoryJournal(new SeededRandom(1).bytes(32));
    const limit = 2 * MIB;
    const bench = await openOver(journal, { settings: { retentionBytes: limit, housekeeping: HOUSEKEEPING } });
    for (let count = 0; count < 8; count++) {
      for (let index = 0; index < 16; index++) await bench.publish({ body: "x".repeat(64 * KIB) });
      await bench.advance(20_000);
    }
    expect(journal.extent.to).toBeGreaterThan(4 * limit - limit / 2);
    expect(journal.extent.to - journal.extent.from).toBeLessThan(1.5 * limit);
  });

  it("RET-1.1: as long as it fits nothing is dropped for its size", async () => {
    const { bench } = await open();
    await publish(bench, (LIMIT * 0.9) / MESSAGE);
    expect(await drain(bench)).toHaveLength(Math.ceil((LIMIT * 0.9) / MESSAGE));
  });

  it("RET-1.1: the oldest of all topics go, not those of one", async () => {
    const { bench } = await open();
    await publish(bench, 50, "early");
    await publish(bench, ENOUGH, "late");
    await publish(bench, 5, "early");
    expect(await drain(bench, "early")).toHaveLength(5);
  });

  it("RET-1.4: what is not due yet is not dropped for its size, nor what waits for its outcome", async () => {
    const { bench, sizeOf } = await open();
    const deliverAt = bench.now + HOUR;
    for (let index = 0; index < 40; index++) {
      await bench.publish({ topic: "later", body: BODY, intent: { kind: "delayed", deliverAt } });
    }
    const { transactionHandle } = await bench.publish({ topic: "half", body: BODY, intent: TRANSACTIONAL });
    await publish(bench, ENOUGH);
    const keys = await drain(bench);
    // Freeing does not count on them: they take their part of the size.
    expect((keys.length + 41) * MESSAGE).toBeLessThanOrEqual(LIMIT + 41 * 256);
    expect(keys.length * MESSAGE).toBeGreaterThan(LIMIT * 0.5);
    await bench.end("commit", [transactionHandle], { topic: "half" });
    await publish(bench, 20);
    // Visible only now: it is not among the oldest, wherever it was stored.
    expect(await drain(bench, "half")).toHaveLength(1);
    expect(sizeOf()).toBeLessThanOrEqual(LIMIT * 1.3);
    await bench.advance(HOUR);
    expect(bench.engine.inspection.countTopic({ instance: INSTANCE, topic: "later" })).toMatchObject({ stored: 40 });
  });

  it("RET-1.4: when what may not be dropped exceeds the size alone, publishes are refused, and go on afterwards", async () => {
    const { bench, sizeOf } = await open();
    const handles: (string | undefined)[] = [];
    const fill = async (): Promise<void> => {
      for (let index = 0; index < ENOUGH; index++) {
        const { transactionHandle } = await bench.publish({ topic: "half", body: BODY, intent: TRANSACTIONAL });
        handles.push(transactionHandle);
        await bench.advance(100);
      }
    };
    await expect(fill()).rejects.toMatchObject({ code: "storage-full" });
    expect(handles.length * MESSAGE).toBeGreaterThan(LIMIT * 0.7);
    await expect(bench.publish()).rejects.toMatchObject({ code: "storage-full" });
    // Copying them forward runs in no circles.
    await bench.advance(60_000);
    expect(sizeOf()).toBeLessThan(3 * LIMIT);
    for (const handle of handles.slice(0, 100)) await bench.end("rollback", [handle], { topic: "half" });
    await bench.advance(1_000);
    await bench.publish();
    expect(bench.engine.inspection.countTopic({ instance: INSTANCE, topic: "half" })).toMatchObject({
      half: handles.length - 100,
    });
  });
});
