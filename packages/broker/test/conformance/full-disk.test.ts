import { describe, expect, it } from "vitest";
import { KIB } from "../../src/domain/size.ts";
import { StartError } from "../../src/domain/start-error.ts";
import { MINUTE } from "../../src/domain/time.ts";
import { type Bench, bodiesOf, INSTANCE, refusalsOf, watch } from "./bench.ts";
import { SmallDisk } from "./small-disk.ts";

const SPACE = { reserveBytes: 64 * KIB, minFreeBytes: 64 * KIB };
const PIECE = SPACE.reserveBytes / 16;
const full = { code: "storage-full" };

interface Started {
  readonly small: SmallDisk;
  readonly bench: Bench;
}

const aSmallDisk = (): SmallDisk => new SmallDisk({ capacityBytes: KIB * KIB, journal: SPACE });

async function open(): Promise<Started> {
  const small = aSmallDisk();
  return { small, bench: await small.open() };
}

/** With this in it, and nothing left. */
async function openAndFill(...bodies: readonly string[]): Promise<Started> {
  const { small, bench } = await open();
  await bench.publishAll(bodies);
  await fillUpAndNotice(small, bench, 0);
  return { small, bench };
}

/** Not even for consumers. */
async function openAndUseUp(...bodies: readonly string[]): Promise<Started> {
  const started = await openAndFill(...bodies);
  await useUpTheReserve(started.bench);
  return started;
}

/** Longer than a look is good for. */
const toLookAgain = (bench: Bench): Promise<void> => bench.advance(500);

/** Lets the broker notice: a look follows a write. */
async function fillUpAndNotice(small: SmallDisk, bench: Bench, free: number): Promise<void> {
  await bench.publish({ topic: "notice" });
  await small.othersLeave(free);
  await toLookAgain(bench);
  await bench.publish({ topic: "notice" }).catch(() => undefined);
  await bench.settle();
}

/** Consumes from the reserve, on a topic of its own, until nothing of it is left. */
async function useUpTheReserve(bench: Bench): Promise<void> {
  for (let count = 0; count < 20_000; count += 1) {
    const received = await bench.receive({ topic: "notice" });
    if (received.length === 0) return;
    await bench.giveBack(received, { noRoom: true }).catch(() => undefined);
  }
  expect.fail("The reserve does not come to an end.");
}

describe("DUR-3: a disk that is full", () => {
  it("DUR-3.1: keeps a file of its own that it gives back piece by piece and fills up again", async () => {
    const { small, bench } = await open();
    expect(small.reserved).toBe(SPACE.reserveBytes);
    await bench.publishAll(["0", "1", "2"]);
    await fillUpAndNotice(small, bench, 0);
    const before = small.reserved;
    await bench.acknowledge(await bench.receive());
    expect(small.reserved).toBeGreaterThan(0);
    expect(small.reserved % PIECE).toBe(0);
    for (let count = 0; count < 40; count += 1) await bench.receive({ group: `GID_${count}`, max: 1 });
    expect(small.reserved).toBeLessThan(before);
    expect(small.reserved).toBeGreaterThan(0);
    await small.othersGo();
    await toLookAgain(bench);
    expect(small.reserved).toBe(SPACE.reserveBytes);
  });

  it("DUR-3.1, DUR-2.1: what was promised before the disk filled up is written, with what the reserve gives back", async () => {
    const { small, bench } = await open();
    await small.othersLeave(0);
    await bench.publish({ body: "x".repeat(40 * KIB) });
    expect(bodiesOf(await bench.receive())).toEqual(["x".repeat(40 * KIB)]);
    expect(small.reserved).toBeLessThan(SPACE.reserveBytes - 40 * KIB);
  });

  it("DUR-3.2: below the mark publishes are refused, of whatever kind, with what there is and what there must be", async () => {
    const { small, bench } = await open();
    await fillUpAndNotice(small, bench, 32 * KIB);
    const sentence =
      /^Disk full: 3\d KiB are free, publishes are refused until 64 KiB are; consuming goes on, publishing resumes/;
    await expect(bench.publish()).rejects.toMatchObject({ ...full, message: expect.stringMatching(sentence) });
    const delayed = { kind: "delayed", deliverAt: bench.now + 60_000 } as const;
    await expect(bench.publish({ intent: delayed })).rejects.toMatchObject(full);
    const half = { kind: "transactional", firstCheckAfter: 10_000 } as const;
    await expect(bench.publish({ intent: half })).rejects.toMatchObject(full);
    expect(bench.log.entries.filter(({ event }) => event === "disk.full")).toMatchObject([
      {
        level: "warn",
        fields: { sentence: "Disk full: publishes are refused until 64 KiB are free; consuming goes on." },
      },
    ]);
  });

  it("DUR-3.2: above the mark nothing is refused", async () => {
    const { small, bench } = await open();
    await fillUpAndNotice(small, bench, 80 * KIB);
    await bench.publish({ body: "there" });
    expect(bodiesOf(await bench.receive())).toEqual(["there"]);
  });

  it("DUR-3.2: what is published in half a second counts before anybody looks", async () => {
    const { small, bench } = await open();
    await fillUpAndNotice(small, bench, 100 * KIB);
    const publishes = ["0", "1", "2", "3"].map(() => bench.publish({ body: "x".repeat(16 * KIB) }));
    const ends = (await Promise.allSettled(publishes)).map(({ status }) => status);
    expect(ends).toEqual(["fulfilled", "fulfilled", "fulfilled", "rejected"]);
  });

  it("DUR-3.3: acknowledgements, polls and what comes due go on from the reserve", async () => {
    const { small, bench } = await open();
    await bench.publishAll(["0", "1"]);
    await bench.publish({ body: "later", topic: "later", intent: { kind: "delayed", deliverAt: bench.now + 60_000 } });
    const intent = { kind: "transactional", firstCheckAfter: 10_000 } as const;
    await bench.publish({ body: "half", topic: "half", intent });
    await fillUpAndNotice(small, bench, 0);
    await expect(bench.publish()).rejects.toMatchObject(full);
    expect(refusalsOf(await bench.acknowledge(await bench.receive()))).toEqual([undefined, undefined]);
    await bench.advance(61_000);
    expect(bodiesOf(await bench.receive({ topic: "later" }))).toEqual(["later"]);
    const halves = await bench.receiveHalf({ topic: "half" });
    expect(refusalsOf(await bench.end("commit", halves, { topic: "half" }))).toEqual([undefined]);
    expect(bodiesOf(await bench.receive({ topic: "half" }))).toEqual(["half"]);
  });

  it("DUR-3.3: no snapshot takes the space that consumers need", async () => {
    const small = aSmallDisk();
    const bench = await small.open();
    await bench.publishAll(Array.from({ length: 200 }, (_, number) => `${number}`));
    await fillUpAndNotice(small, bench, 0);
    await bench.close();
    const housekeeping = { snapshotAfterBytes: 1, snapshotAfterAtMostBytes: 1, snapshotAtStopAfterBytes: 1 };
    const next = await small.open({ housekeeping });
    for (let count = 0; count < 20; count += 1) {
      expect(refusalsOf(await next.acknowledge(await next.receive({ max: 1 })))).toEqual([undefined]);
      await toLookAgain(next);
    }
    expect(small.disk.paths().filter((path) => path.includes(".snap"))).toEqual([]);
    await next.close();
    expect(next.log.entries.map(({ event }) => event)).not.toContain("journal.failed");
    const last = await small.open();
    expect((await last.receive()).map(({ message }) => message.body)[0]).toBe("20");
  });

  it("DUR-3.4: publishing resumes by itself", async () => {
    const { small, bench } = await openAndFill();
    await expect(bench.publish()).rejects.toMatchObject(full);
    await small.othersGo();
    await toLookAgain(bench);
    await bench.publish({ body: "again" });
    expect(bodiesOf(await bench.receive())).toEqual(["again"]);
    expect(bench.log.entries.map(({ event }) => event)).toContain("disk.space-again");
  });

  it("DUR-3.5: with the reserve used up polls find nothing, acknowledgements are refused, and the broker stays up", async () => {
    const { small, bench } = await open();
    await bench.publishAll(["0", "1"]);
    const [held] = await bench.receive({ group: "GID_b", max: 1 });
    await fillUpAndNotice(small, bench, 0);
    await useUpTheReserve(bench);
    expect(await bench.receive({ group: "GID_new" })).toEqual([]);
    expect(await bench.receiveHalf()).toEqual([]);
    await expect(bench.acknowledge([held ?? ""], { group: "GID_b" })).rejects.toMatchObject(full);
    await expect(bench.declareGroup("GID_c")).rejects.toMatchObject(full);
    await bench.advance(60_000);
    expect(bench.log.entries.map(({ event }) => event)).toContain("disk.reserve-used-up");
    expect(bench.log.entries.map(({ event }) => event)).not.toContain("journal.failed");
    await small.othersGo();
    await toLookAgain(bench);
    expect(refusalsOf(await bench.acknowledge([held ?? ""], { group: "GID_b" }))).toEqual([undefined]);
    expect(bodiesOf(await bench.receive())).toEqual(["0", "1"]);
  });

  it("DUR-3.5: polls wait all the same, and are served once there is space", async () => {
    const { small, bench } = await open();
    await bench.publishAll(["0", "1"]);
    const early = bench.poll({ group: "GID_b", topic: "empty", wait: 300_000 });
    await bench.publish({ topic: "empty", intent: { kind: "delayed", deliverAt: bench.now + 30_000 }, body: "due" });
    await fillUpAndNotice(small, bench, 0);
    await useUpTheReserve(bench);
    const late = bench.poll({ wait: 120_000 });
    const isServed = watch(Promise.race([early, late]));
    await bench.advance(60_000);
    expect(isServed()).toBe(false);
    await small.othersGo();
    await toLookAgain(bench);
    expect(isServed()).toBe(true);
    expect(bodiesOf(await late)).toEqual(["0", "1"]);
    expect(bodiesOf(await early)).toEqual(["due"]);
  });

  it("DUR-3.5: a poll that waited for space in vain ends with nothing when its time is up", async () => {
    const { bench } = await openAndUseUp("0");
    const poll = bench.poll({ wait: 30_000 });
    await bench.advance(30_000);
    expect(await poll).toEqual([]);
    await bench.close();
  });

  it("DUR-3.4: what the retention drops makes room on a full disk, though something in its segments still waits", async () => {
    const small = new SmallDisk({ capacityBytes: KIB * KIB, journal: { ...SPACE, segmentBytes: 32 * KIB } });
    const housekeeping = { snapshotAfterBytes: 64 * KIB, snapshotAfterAtMostBytes: 64 * KIB, roundEvery: MINUTE };
    const settings = { housekeeping, retentionAge: 10 * MINUTE, messageLogLevel: "debug" } as const;
    const bench = await small.open(settings);
    const deliverAt = bench.now + 20 * MINUTE;
    await bench.publish({ topic: "later", body: "later", intent: { kind: "delayed", deliverAt } });
    const fill = async (): Promise<void> => {
      for (let count = 0; count < 2_000; count++) await bench.publish({ body: "x".repeat(4 * KIB) });
    };
    await expect(fill()).rejects.toMatchObject(full);
    await bench.advance(13 * MINUTE);
    await bench.publish({ body: "there is room" });
    await bench.advance(10 * MINUTE);
    expect(bodiesOf(await bench.receive({ topic: "later" }))).toEqual(["later"]);
    await bench.close();
  });

  it("DUR-3.6: a write that fails all the same stops the engine, and the next start opens on the full disk", async () => {
    const { small, bench } = await open();
    await bench.publish({ body: "confirmed" });
    await small.othersLeave(0);
    small.disk.failNext("sync", "ENOSPC");
    await expect(bench.publish()).rejects.toMatchObject({ code: "storage-failed" });
    small.disk = small.disk.kill();
    const next = await small.open();
    await expect(next.publish()).rejects.toMatchObject(full);
    const [delivery] = await next.receive();
    expect(delivery?.message.body).toBe("confirmed");
    expect(refusalsOf(await next.acknowledge([delivery ?? ""]))).toEqual([undefined]);
    expect(next.log.entries.map(({ event }) => event)).toContain("disk.full");
  });

  it("DUR-3.6: a start with the reserve used up serves too, once there is space", async () => {
    const { small } = await openAndUseUp("confirmed");
    small.disk = small.disk.kill();
    const next = await small.open();
    expect(await next.receive()).toEqual([]);
    await small.othersGo();
    await toLookAgain(next);
    expect(bodiesOf(await next.receive())).toContain("confirmed");
  });

  it("DUR-3.6: what such a start declares waits, and is made before anybody makes it by use", async () => {
    const { small } = await openAndUseUp("confirmed");
    small.disk = small.disk.kill();
    const next = await small.open();
    const { catalog } = next.engine;
    await expect(next.declareTopic("steps", "ordered", 4)).rejects.toMatchObject(full);
    await expect(next.declareGroup("GID_c")).rejects.toMatchObject(full);
    const ref = { instance: INSTANCE, topic: "steps" };
    expect(catalog.describeTopic(ref)).toBeUndefined();
    const poll = next.poll({ topic: "steps", wait: 120_000 });
    await small.othersGo();
    await toLookAgain(next);
    expect(catalog.describeTopic(ref)).toMatchObject({ kind: "ordered", queues: 4, origin: "declared" });
    expect(catalog.describeGroup({ instance: INSTANCE, group: "GID_c" })).toMatchObject({ origin: "declared" });
    await next.close();
    expect(await poll).toEqual([]);
    const last = await small.open();
    expect(last.engine.catalog.describeTopic(ref)).toMatchObject({ origin: "declared" });
  });

  it("DUR-3.6: a start where no data is yet is refused, and leaves nothing behind", async () => {
    const small = aSmallDisk();
    await small.othersLeave(100 * KIB);
    const refusal = await small.open().then(
      () => expect.fail("It started."),
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(StartError);
    expect(refusal).toMatchObject({
      exitCode: 70,
      message:
        "No space left for /data: 100 KiB are free, 128 KiB are needed. Free some, or use another directory: --data DIR.",
    });
    expect(small.paths()).toEqual([]);
  });
});
