import { expect } from "vitest";
import { refusalsOf } from "./bench.ts";
import type { Rule } from "./describe-messaging.ts";

const BAD = "A".repeat(70);

export function handleRules(rule: Rule): void {
  rule("DEL-5.1", "a handle acknowledges strictly before its delivery ends", async (bench) => {
    await bench.publish();
    const inTime = await bench.receive();
    const late = await bench.receive({ group: "GID_b" });
    await bench.advance(299_999);
    expect(refusalsOf(await bench.acknowledge(inTime))).toEqual([undefined]);
    await bench.advance(1);
    expect(refusalsOf(await bench.acknowledge(late, { group: "GID_b" }))).toEqual(["expired"]);
    expect(await bench.receive()).toEqual([]);
    expect(await bench.receive({ group: "GID_b" })).toHaveLength(1);
  });

  rule("DEL-5.1", "only the newest handle acknowledges", async (bench) => {
    await bench.publish();
    const first = await bench.receive();
    await bench.advance(300_000);
    const second = await bench.receive();
    await bench.acknowledge(first);
    expect(refusalsOf(await bench.acknowledge(second))).toEqual([undefined]);
    await bench.advance(300_000);
    expect(await bench.receive()).toEqual([]);
  });

  rule("DEL-5.2", "a late or superseded handle is refused as expired, and ends nothing", async (bench) => {
    await bench.publish();
    const first = await bench.receive();
    await bench.advance(300_000);
    expect(refusalsOf(await bench.acknowledge(first))).toEqual(["expired"]);
    const second = await bench.receive();
    expect(refusalsOf(await bench.acknowledge(first))).toEqual(["expired"]);
    await bench.advance(300_000);
    expect(await bench.receive()).toHaveLength(1);
    expect(refusalsOf(await bench.acknowledge([...first, ...second]))).toEqual(["expired", "expired"]);
  });

  rule("DEL-5.2", "a handle that was given back is refused, also while it would be in time", async (bench) => {
    await bench.publish();
    const first = await bench.receive();
    await bench.giveBack(first);
    expect(refusalsOf(await bench.acknowledge(first))).toEqual(["expired"]);
    const second = await bench.receive();
    expect(refusalsOf(await bench.acknowledge(first))).toEqual(["expired"]);
    expect(refusalsOf(await bench.acknowledge(second))).toEqual([undefined]);
  });

  rule("DEL-5.3", "a forged or altered handle is refused as invalid", async (bench) => {
    await bench.publish();
    const [delivery] = await bench.receive();
    const handle = delivery?.handle ?? "";
    const altered = [...handle].map(
      (letter, at) => handle.slice(0, at) + (letter === "A" ? "B" : "A") + handle.slice(at + 1),
    );
    const forged = ["x", "", BAD, ` ${handle}`, `${handle}=`, handle.slice(1), "🚀", ...altered];
    expect(new Set(refusalsOf(await bench.acknowledge(forged)))).toEqual(new Set(["invalid"]));
    expect(refusalsOf(await bench.acknowledge([handle]))).toEqual([undefined]);
  });

  rule("DEL-5.3", "a handle of another topic or group is refused as invalid, and ends nothing", async (bench) => {
    await bench.publish();
    await bench.publish({ topic: "bills" });
    const orders = await bench.receive();
    const bills = await bench.receive({ topic: "bills" });
    await bench.receive({ group: "GID_b" });
    expect(refusalsOf(await bench.acknowledge(orders, { group: "GID_b" }))).toEqual(["invalid"]);
    expect(refusalsOf(await bench.acknowledge(orders, { group: "GID_unknown" }))).toEqual(["invalid"]);
    expect(refusalsOf(await bench.acknowledge(orders, { topic: "bills" }))).toEqual(["invalid"]);
    expect(refusalsOf(await bench.acknowledge(bills))).toEqual(["invalid"]);
    await bench.advance(300_000);
    expect(await bench.receive()).toHaveLength(1);
    expect(await bench.receive({ topic: "bills" })).toHaveLength(1);
  });

  rule("DEL-5.4", "acknowledging twice with the same valid handle succeeds twice", async (bench) => {
    await bench.publish();
    const batch = await bench.receive();
    expect(refusalsOf(await bench.acknowledge([...batch, ...batch]))).toEqual([undefined, undefined]);
    expect(refusalsOf(await bench.acknowledge(batch))).toEqual([undefined]);
    await bench.advance(299_999);
    expect(refusalsOf(await bench.acknowledge(batch))).toEqual([undefined]);
    await bench.advance(1);
    expect(refusalsOf(await bench.acknowledge(batch))).toEqual(["expired"]);
  });

  rule(
    "DEL-5.4",
    "a second acknowledgement is not confirmed before the first is on disk",
    async (bench) => {
      await bench.publish();
      const handles = (await bench.receive()).map(({ handle }) => handle);
      bench.holdSyncs();
      const both = [bench.acknowledge(handles), bench.acknowledge(handles)];
      await bench.settle();
      expect(await Promise.race([...both, "not yet"])).toBe("not yet");
      bench.releaseSyncs();
      expect((await Promise.all(both)).flatMap(refusalsOf)).toEqual([undefined, undefined]);
    },
    { restarts: true, notWithRestarts: "the test holds two acknowledgements at once" },
  );

  rule("DEL-6.1", "in one request the good handles are acknowledged and only the bad ones refused", async (bench) => {
    await bench.publishAll(["0", "1", "2"]);
    const [first, second, third] = await bench.receive();
    const outcomes = await bench.acknowledge([first?.handle ?? "", "garbage", third?.handle ?? "", BAD]);
    expect(refusalsOf(outcomes)).toEqual([undefined, "invalid", undefined, "invalid"]);
    await bench.advance(300_000);
    expect(await bench.receive()).toMatchObject([{ messageId: second?.messageId }]);
  });

  rule("DEL-6.3", "more than 16 handles are accepted", async (bench) => {
    const handles: string[] = [];
    for (let count = 0; count < 64; count++) await bench.publish();
    for (let poll = 0; poll < 4; poll++) handles.push(...(await bench.receive()).map(({ handle }) => handle));
    expect(new Set(handles).size).toBe(64);
    expect(refusalsOf(await bench.acknowledge(handles))).toEqual(Array(64).fill(undefined));
    await bench.advance(300_000);
    expect(await bench.receive()).toEqual([]);
  });

  rule("DEL-6.4", "there is one outcome per handle as sent, in that order", async (bench) => {
    await bench.publishAll(["0", "1"]);
    const [first, second] = await bench.receive();
    const sent = ["x", second?.handle ?? "", "y", second?.handle ?? "", "x", first?.handle ?? ""];
    const outcomes = await bench.acknowledge(sent);
    expect(outcomes.map(({ handle }) => handle)).toEqual(sent);
    expect(refusalsOf(outcomes)).toEqual(["invalid", undefined, "invalid", undefined, "invalid", undefined]);
  });
}
