import { describe, expect, it } from "vitest";
import { describeDamage } from "../../src/embedded/upkeep/damage.ts";
import { reportFindings } from "../../src/embedded/upkeep/report-findings.ts";
import { refusalsOf } from "../conformance/bench.ts";
import { DIRECTORY, drain, numbered, UsedDisk } from "./used-disk.ts";

const SEGMENT = /\.seg$/;
const SNAPSHOT = /\.snap$/;

/** 120 messages in several segments, and two snapshots, the newest somewhere behind the middle. */
async function aUsedDisk(count = 120): Promise<{ used: UsedDisk; bodies: string[] }> {
  const used = new UsedDisk();
  const bench = await used.open({ snapshotAfterBytes: 6_000 });
  const bodies = numbered(0, count);
  for (const body of bodies) {
    await bench.publish({ body });
    await bench.settle();
  }
  await bench.close();
  return { used, bodies };
}

describe("fsck", () => {
  it("DUR-1.3: finds nothing wrong with what a broker has left, and tells what is there", async () => {
    const { used } = await aUsedDisk();
    const findings = await used.inspect();
    expect(findings.damages).toEqual([]);
    expect(findings.topics).toMatchObject([{ ref: { topic: "orders" }, messages: 120, delayed: 0, half: 0 }]);
    expect(findings.snapshots.map(({ isSound }) => isSound)).toEqual([true, true]);
    expect(findings.segments.length).toBeGreaterThan(3);
    expect(findings.facts).toBeGreaterThanOrEqual(121);
  });

  it("DUR-1.3: names file and bytes of a message that rotted in an old segment, and that it is one message of its topic", async () => {
    const { used, bodies } = await aUsedDisk();
    const { path, at } = used.find(bodies[3] ?? "");
    used.spoil(bodies[3] ?? "");
    const [damage, ...others] = (await used.inspect()).damages;
    expect(others).toEqual([]);
    expect(damage).toMatchObject({ sort: "bytes", needed: false, lost: { messages: 1, topics: ["orders"] } });
    if (damage?.sort !== "bytes") return;
    expect(path).toBe(`${DIRECTORY}/${String(damage.segment).padStart(8, "0")}.seg`);
    expect([damage.from <= at, at < damage.to]).toEqual([true, true]);
    expect(describeDamage(damage)).toMatch(/^segment 1, bytes \d+ to [\d,]+$/);
  });

  it("DUR-1.3: takes the torn end of a write for what it is", async () => {
    const used = new UsedDisk();
    const bench = await used.open();
    await bench.publishAll(numbered(0, 3));
    const [path = ""] = used.paths(SEGMENT);
    const before = used.disk.bytesOf(path).length;
    await bench.publish({ body: "torn" });
    used.disk = used.disk.kill();
    used.disk.truncateTo(path, before + 40);
    const findings = await used.inspect();
    expect(findings.damages).toEqual([]);
    expect(findings.tear).toMatchObject({ segment: 1, to: before + 40 });
  });

  it("DUR-1.3, DUR-1.2: finds a flip of any bit, whatever file it is in", async () => {
    const { used } = await aUsedDisk();
    const silent: string[] = [];
    for (const path of used.paths(/\.(seg|snap|json)$/)) {
      const bytes = used.disk.bytesOf(path).length;
      const newest = path === used.paths(SEGMENT).at(-1);
      // The last group is the quiet header, which nothing covers (DUR-1).
      const end = newest ? bytes - 32 : bytes;
      for (let at = 0; at < end; at += 131) {
        used.disk.flipBit(path, at * 8 + (at % 8));
        if ((await used.inspect()).damages.length === 0) silent.push(`${path}:${at}`);
        used.disk.flipBit(path, at * 8 + (at % 8));
      }
    }
    // Four bytes of each group header mean nothing, but its checksum covers them too.
    expect(silent).toEqual([]);
  });
});

describe("fsck --repair", () => {
  it("DUR-1.3: does nothing without consent", async () => {
    const { used, bodies } = await aUsedDisk();
    used.spoil(bodies[3] ?? "");
    const before = used.disk.paths().map((path) => used.disk.bytesOf(path));
    const { isDone } = await used.repair(async () => false);
    expect(isDone).toBe(false);
    expect(used.disk.paths().map((path) => used.disk.bytesOf(path))).toEqual(before);
  });

  it("DUR-1.3: gives up one message of an old segment, and delivers all the others", async () => {
    const { used, bodies } = await aUsedDisk();
    used.spoil(bodies[3] ?? "");
    const told: string[] = [];
    const { isDone, findings } = await used.repair(async (_, { steps }) => {
      told.push(...steps.map(({ sentence }) => sentence));
      return true;
    });
    expect([isDone, findings.damages]).toEqual([true, []]);
    expect(told).toEqual([
      expect.stringMatching(
        /^Give up segment 1, bytes \d+ to [\d,]+: lost is 1 message of orders\. They are never delivered/,
      ),
    ]);
    const bench = await used.open();
    const kept = bodies.filter((_, index) => index !== 3);
    expect(await drain(bench, "GID_a")).toEqual(kept);
    await bench.close();
    expect((await used.inspect()).damages).toEqual([]);
  });

  it("DUR-1.3: ends the lost message for groups that have it, and counts it for those that do not yet", async () => {
    const used = new UsedDisk();
    const bench = await used.open();
    const bodies = numbered(0, 4);
    await bench.publishAll(bodies);
    const held = await bench.receive({ group: "GID_held", max: 2 });
    await bench.receive({ group: "GID_fresh", topic: "orders", max: 1 });
    await bench.close();
    await (await used.open({ snapshotAfterBytes: 1 })).close();
    used.spoil(bodies[1] ?? "");
    await used.repair();
    const next = await used.open();
    const topic = { instance: "MQ_INST_test", topic: "orders" };
    const countOf = (group: string) => next.engine.inspection.countSubscription(topic, { ...topic, group });
    expect(countOf("GID_fresh")?.passedOver).toBe(1);
    await next.acknowledge(held.slice(0, 1), { group: "GID_held" });
    await used.clock.advance(400_000);
    expect(await drain(next, "GID_held")).toEqual([bodies[2], bodies[3]]);
  });

  it("DUR-1.3: saves the sound messages of a group of which one is damaged", async () => {
    const used = new UsedDisk();
    const bench = await used.open();
    const bodies = numbered(0, 12);
    await Promise.all(bodies.map((body) => bench.publish({ body })));
    await bench.close();
    await (await used.open({ snapshotAfterBytes: 1 })).close();
    used.spoil(bodies[5] ?? "");
    await used.repair();
    const next = await used.open();
    expect(new Set(await drain(next, "GID_a"))).toEqual(new Set(bodies.filter((_, index) => index !== 5)));
  });

  it("DUR-1.3: loses nothing by a snapshot that does not hold", async () => {
    const { used, bodies } = await aUsedDisk();
    for (const path of used.paths(SNAPSHOT).slice(-1)) used.disk.flipBit(path, 800);
    const { findings } = await used.repair();
    expect([findings.damages, findings.snapshots.length]).toEqual([[], 1]);
    expect(await drain(await used.open(), "GID_a")).toEqual(bodies);
  });

  it("DUR-1.3: loses nothing by the head of a segment", async () => {
    const { used, bodies } = await aUsedDisk();
    for (const path of used.paths(SEGMENT)) used.disk.flipBit(path, 8 * 30 + 1);
    const { findings } = await used.repair();
    expect(findings.damages).toEqual([]);
    expect(await drain(await used.open(), "GID_a")).toEqual(bodies);
  });

  it.each([
    ["a lost segment", [2]],
    ["two lost segments in a row", [2, 3]],
    ["the oldest segments", [1, 2]],
  ])("DUR-1.3: gives up what stood in %s that a snapshot stands for, and keeps the rest", async (_, lost) => {
    const { used, bodies } = await aUsedDisk(240);
    const gone = lost.map((number) => used.paths(SEGMENT)[number - 1] ?? "");
    const there = new Set(bodies.filter((body) => !gone.some((path) => used.disk.bytesOf(path).includes(body))));
    for (const path of gone) await used.disk.remove(path);
    let told = 0;
    const { findings } = await used.repair(async ({ damages }) => {
      told = damages.reduce((sum, { lost: each }) => sum + (each?.messages ?? 0), 0);
      return true;
    });
    expect(findings.damages).toEqual([]);
    expect(told).toBe(bodies.length - there.size);
    expect(await drain(await used.open(), "GID_a")).toEqual(bodies.filter((body) => there.has(body)));
  });

  it.each([
    ["the first segment", 0, []],
    ["an old segment", 1, []],
    ["the oldest segment that is left", 1, [0]],
  ])("DUR-1.3: gives up %s of which neither the head nor what tells it can be read", async (_, index, forgotten) => {
    const { used, bodies: all } = await aUsedDisk();
    const path = used.paths(SEGMENT)[index] ?? "";
    const before = forgotten.map((at) => used.paths(SEGMENT)[at] ?? "");
    const bodies = all.filter((body) => !before.some((gone) => used.disk.bytesOf(gone).includes(body)));
    for (const gone of before) await used.disk.remove(gone);
    await used.repair();
    const there = new Set(bodies.filter((body) => !used.disk.bytesOf(path).includes(body)));
    for (const at of [4, 40]) used.disk.flipBit(path, at * 8);
    const { findings } = await used.repair();
    expect(findings.damages).toEqual([]);
    expect(await drain(await used.open(), "GID_a")).toEqual(bodies.filter((body) => there.has(body)));
  });

  it("DUR-1.3: gives up the lost end of an old segment", async () => {
    const { used, bodies } = await aUsedDisk();
    const [path = ""] = used.paths(SEGMENT);
    used.disk.truncateTo(path, used.disk.bytesOf(path).length - 300);
    const { findings } = await used.repair();
    expect(findings.damages).toEqual([]);
    const delivered = await drain(await used.open(), "GID_a");
    expect(bodies.length - delivered.length).toBeGreaterThan(0);
    expect(bodies.length - delivered.length).toBeLessThan(5);
    expect(delivered).toEqual(bodies.filter((body) => delivered.includes(body)));
  });

  it("DUR-1.3: cuts where facts are damaged that a start needs, says how much is lost at least, and keeps a copy", async () => {
    const { used, bodies } = await aUsedDisk();
    const last = bodies.at(-3) ?? "";
    used.spoil(last);
    const told: string[] = [];
    const { findings } = await used.repair(async (_, { steps }) => {
      told.push(...steps.map(({ sentence }) => sentence));
      return true;
    }, "/data.removed");
    expect(told).toEqual([
      expect.stringMatching(/^Cut the journal in segment \d+, at byte .* at least 2 messages of orders\.$/),
    ]);
    expect(findings.damages).toEqual([]);
    expect(used.disk.paths().filter((path) => path.startsWith("/data.removed/"))).not.toEqual([]);
    expect(await drain(await used.open(), "GID_a")).toEqual(bodies.slice(0, -3));
  });

  it("DEL-14.2: after a cut, the handle of a lost delivery does not fit the one that is made again", async () => {
    const used = new UsedDisk();
    const bench = await used.open();
    await bench.receive();
    await bench.publish({ body: "m" });
    await bench.settle();
    const [path = ""] = used.paths(SEGMENT);
    const before = used.disk.bytesOf(path).length;
    const lost = await bench.receive();
    await bench.close();
    used.disk.flipBit(path, (before + 40) * 8);
    await used.repair();
    const next = await used.open();
    expect(refusalsOf(await next.acknowledge(lost))).toEqual(["expired"]);
    const again = await next.receive();
    expect(again.map(({ attempt }) => attempt)).toEqual([1]);
    expect(refusalsOf(await next.acknowledge(lost))).toEqual(["expired"]);
    expect(refusalsOf(await next.acknowledge(again))).toEqual([undefined]);
  });

  it("DUR-1.3: removes a snapshot beyond its cut", async () => {
    const { used, bodies } = await aUsedDisk();
    const [path = ""] = used.paths(SEGMENT).slice(-1);
    for (const later of used.paths(SEGMENT).slice(2)) if (later !== path) await used.disk.remove(later);
    await used.disk.remove(path);
    const { findings } = await used.repair();
    expect(findings.damages).toEqual([]);
    const delivered = await drain(await used.open(), "GID_a");
    expect(delivered.length).toBeGreaterThan(20);
    expect(delivered).toEqual(bodies.slice(0, delivered.length));
  });

  it("DUR-1.3: says that all is lost behind the end of a journal of which a snapshot knows more", async () => {
    const { used, bodies } = await aUsedDisk();
    const [older, newer] = used.paths(SNAPSHOT);
    const newest = (await used.inspect()).replaysFrom?.group.segment ?? 0;
    for (const path of used.paths(SEGMENT).slice(newest - 1)) await used.disk.remove(path);
    const told: string[] = [];
    const { findings } = await used.repair(async ({ damages }, { steps }) => {
      expect(damages).toContainEqual(expect.objectContaining({ sort: "missing", segment: newest, needed: true }));
      told.push(...steps.map(({ sentence }) => sentence));
      return true;
    });
    expect(told).toContainEqual(
      expect.stringMatching(/^Cut the journal before segment \d+, .* Lost is what came after/),
    );
    expect([findings.damages, used.paths(SNAPSHOT)]).toEqual([[], [older]]);
    expect(newer).not.toBe(older);
    const delivered = await drain(await used.open(), "GID_a");
    expect(delivered).toEqual(bodies.slice(0, delivered.length));
  });

  it("DUR-1.3: says that all is lost behind the end of a segment of which a snapshot knows more", async () => {
    const used = new UsedDisk();
    const bench = await used.open();
    const bodies = numbered(0, 6);
    await bench.publishAll(bodies.slice(0, 3));
    await bench.settle();
    const [path = ""] = used.paths(SEGMENT);
    const end = used.disk.bytesOf(path).length;
    await bench.publishAll(bodies.slice(3));
    await bench.close();
    await (await used.open({ snapshotAfterBytes: 1 })).close();
    used.disk.truncateTo(path, end);
    const [, damage] = (await used.inspect()).damages;
    expect(damage).toMatchObject({ sort: "bytes", segment: 1, from: end, needed: true });
    expect((await used.repair()).findings.damages).toEqual([]);
    expect(await drain(await used.open(), "GID_a")).toEqual(bodies.slice(0, 3));
  });

  it("DUR-1.3: says so where there is no way, and changes nothing", async () => {
    const { used } = await aUsedDisk();
    expect(reportFindings(await used.inspect())).not.toHaveProperty("obstacle");
    used.disk.flipBit(`${DIRECTORY}/stagemq-data.json`, 400);
    expect(reportFindings(await used.inspect()).obstacle).toMatch(/^stagemq-data\.json cannot be made anew/);
    await expect(used.repair()).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/^stagemq-data\.json cannot be made anew: it holds the key to all handles/),
    });
  });

  it("DUR-4.2: leaves a directory alone that a broker uses", async () => {
    const used = new UsedDisk();
    const bench = await used.open();
    await expect(used.repair()).rejects.toMatchObject({
      exitCode: 5,
      message: "/data is in use by stagemq (pid 1). Stop it first.",
    });
    await bench.close();
  });

  it("DUR-1.3, DEL-1.1: after a flip anywhere every message but those it named is delivered, and no other body ever", async () => {
    const { used, bodies } = await aUsedDisk();
    const known = new Set(bodies);
    const reached = new Set<string>();
    for (let round = 0; round < 30; round++) {
      const spoilt = used.copy();
      const paths = spoilt.paths(/\.(seg|snap)$/);
      const path = paths[round % paths.length] ?? "";
      for (let skip = 0; skip < round; skip++) spoilt.random.below(2);
      const at = spoilt.random.below(spoilt.disk.bytesOf(path).length * 8);
      spoilt.disk.flipBit(path, at);
      let lost = 0;
      let isCut = false;
      const { isDone } = await spoilt.repair(async ({ damages }, { steps }) => {
        lost += damages.reduce((sum, { lost: each }) => sum + (each?.messages ?? 0), 0);
        isCut ||= steps.some(({ sort }) => sort === "cut");
        for (const { sort } of steps) reached.add(sort);
        return true;
      });
      expect(isDone).toBe(true);
      const bench = await spoilt.open();
      const delivered = await drain(bench, "GID_a");
      await bench.close();
      const where = `${path}, bit ${at}`;
      expect([where, delivered.filter((body) => !known.has(body))]).toEqual([where, []]);
      const missing = bodies.length - delivered.length;
      if (!isCut && path !== paths.at(-1)) expect([where, missing]).toEqual([where, lost]);
      expect((await spoilt.inspect()).damages).toEqual([]);
    }
    expect([...reached]).toEqual(expect.arrayContaining(["cut", "fill", "remove-snapshot"]));
  });
});
