import { describe, expect, it } from "vitest";
import type { PublishIntent } from "../../src/domain/message.ts";
import { KIB, MIB } from "../../src/domain/size.ts";
import { Bench, bodiesOf, DEFAULTS, INSTANCE, type PublishInput } from "./bench.ts";
import { engines } from "./engines.ts";

const NORMAL: PublishIntent = { kind: "normal" };
const REFUSED = { code: expect.stringMatching(/^(invalid-argument|message-too-large)$/) };

/** What the guard holds for every engine behind it. */
describe("the guard", () => {
  it("PUB-4.1: a body has 1 byte to 4 MiB", async () => {
    const bench = await openGuarded();
    await publishes(bench, { body: "x" });
    await publishes(bench, { body: "x".repeat(4 * MIB) });
    await publishes(bench, { body: "é".repeat(2 * MIB) });
    await refuses(bench, { body: "" });
    await refuses(bench, { body: "x".repeat(4 * MIB + 1) });
    await refuses(bench, { body: `${"é".repeat(2 * MIB)}x` });
  });

  for (const kind of ["transactional", "delayed"] as const) {
    it(`PUB-4.2: a body has at most 64 KiB when the message is ${kind}`, async () => {
      const bench = await openGuarded();
      const intent: PublishIntent =
        kind === "delayed" ? { kind, deliverAt: bench.clock.wall() + 1_000 } : { kind, firstCheckAfter: 10_000 };
      const topic = kind;
      await publishes(bench, { topic, intent, body: "x".repeat(64 * KIB) });
      await refuses(bench, { topic, intent, body: "x".repeat(64 * KIB + 1) });
      await publishes(bench, { topic: "delayed", intent: NORMAL, body: "x".repeat(64 * KIB + 1) });
    });
  }

  it("PUB-4.3: properties have at most 16 KiB of UTF-8, the sender's key among them", async () => {
    const bench = await openGuarded();
    const rest = "KEYS:k|a:".length;
    const withValue = (value: string): PublishInput => ({ key: "k", properties: [["a", value]] });
    await publishes(bench, withValue("x".repeat(16 * KIB - rest)));
    await refuses(bench, withValue("x".repeat(16 * KIB - rest + 1)));
    await refuses(bench, withValue("é".repeat(8 * KIB)));
    await refuses(bench, { key: "k".repeat(16 * KIB) });
  });

  it("PUB-4.3: a key that the broker added does not count", async () => {
    const bench = await openGuarded();
    const properties = [["a", "x".repeat(16 * KIB - "a:".length)]] as const;
    await refuses(bench, { key: "k", properties });
    await publishes(bench, { key: "REQUEST2", properties }); // the id of the bench's second request
  });

  it("PUB-4.4: a tag has at most 64 Unicode characters", async () => {
    const bench = await openGuarded();
    await publishes(bench, { tag: "🚀".repeat(64) });
    await refuses(bench, { tag: "🚀".repeat(65) });
    await refuses(bench, { tag: "x".repeat(65) });
  });

  it("refuses a filter of more than 128 tags", async () => {
    const bench = await openGuarded();
    const tags = (count: number) => Array.from({ length: count }, (_, index) => `t${index}`).join("||");
    expect(await bench.receive({ tags: tags(128) })).toEqual([]);
    await expect(bench.receive({ tags: tags(129) })).rejects.toMatchObject({ code: "invalid-argument" });
  });

  it("PUB-4.5: outside these bounds nothing is stored, and no topic is made", async () => {
    const bench = await openGuarded();
    for (const input of [{ body: "" }, { tag: "x".repeat(65) }, { key: "k".repeat(16 * KIB) }]) {
      await expect(bench.publish(input)).rejects.toMatchObject(REFUSED);
    }
    expect(bench.engine.catalog.listTopics(INSTANCE)).toEqual([]);
    expect(await bench.receive()).toEqual([]);
  });

  it("PUB-4.5: the refusal says what was given and what is allowed", async () => {
    const bench = await openGuarded();
    await expect(bench.publish({ body: "x".repeat(4 * MIB + 1) })).rejects.toThrow(/4,194,305 .* 4,194,304/);
    await expect(bench.publish({ tag: "x".repeat(65) })).rejects.toThrow(/65 .* 64/);
  });

  it("DEL-7.1: how many messages a poll asks for is clamped to 1 to 16", async () => {
    const bench = await openGuarded();
    await bench.publishAll(Array.from({ length: 40 }, (_, index) => `${index}`));
    for (const max of [0, -5, Number.NaN]) expect(await bench.receive({ max })).toHaveLength(1);
    for (const max of [17, 1e9]) expect(await bench.receive({ max })).toHaveLength(16);
    expect(bodiesOf(await bench.receive({ max: 16 }))).toEqual(["35", "36", "37", "38", "39"]);
  });

  it("DEL-7.3: how long a poll waits is clamped to 0 to 30 s", async () => {
    const bench = await openGuarded();
    for (const wait of [-1_000, Number.NaN]) expect(await bench.poll({ wait })).toEqual([]);
    let answer: unknown;
    const poll = bench.poll({ wait: 60_000 }).then((deliveries) => {
      answer = deliveries;
    });
    await bench.settle();
    await bench.advance(29_999);
    expect(answer).toBeUndefined();
    await bench.advance(1_001);
    await poll;
    expect(answer).toEqual([]);
  });
});

async function openGuarded(): Promise<Bench> {
  const guarded = engines.find(({ name }) => name === "wrapped");
  if (guarded === undefined) throw new Error("no wrapped engine");
  return new Bench(guarded, await guarded.open(DEFAULTS));
}

async function publishes(bench: Bench, input: PublishInput): Promise<void> {
  await expect(bench.publish(input)).resolves.toMatchObject({ messageId: expect.any(String) });
}

async function refuses(bench: Bench, input: PublishInput): Promise<void> {
  await expect(bench.publish(input)).rejects.toMatchObject(REFUSED);
}
