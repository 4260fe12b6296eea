import fc from "fast-check";
import { expect, it } from "vitest";
import type { PublishRequest } from "../../src/engine/engine.ts";
import { elementOf, openFront } from "./open-front.ts";
import { aDelivery } from "./scripted-engine.ts";
import { aMessage, POLL } from "./signed-request.ts";

const RESERVED = ["KEYS", "__STARTDELIVERTIME", "__TransCheckT", "__SHARDINGKEY"];
/** What looks like a reserved name, to a person or to a careless reader. */
const LOOKALIKES = [
  "keys",
  "KEYS ",
  " KEYS",
  "__transcheckt",
  "__TransCheckT\t",
  "\u200b__SHARDINGKEY",
  "__proto__",
  "constructor",
];
const HOSTILE = [
  "&",
  "<",
  ">",
  '"',
  "'",
  "]]>",
  "\n",
  "\t",
  "\r",
  "=",
  ";",
  ",",
  "\u{1F984}",
  "\\",
  "%7C",
  "&#124;",
  "{}",
  "中",
];

const word = fc
  .array(fc.constantFrom("a", "1", " ", ...HOSTILE), { minLength: 1, maxLength: 5 })
  .map((all) => all.join(""));
const name = fc.oneof(word, fc.constantFrom(...LOOKALIKES));
const value = fc.oneof(word, fc.constantFrom("__TransCheckT", "__TransCheckT=10", "KEYS", ...LOOKALIKES));
const pairs = fc.uniqueArray(fc.tuple(name, value), { selector: ([unique]) => unique, maxLength: 6 });

const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\r", "&#13;");
const unescaped = (text: string) =>
  text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&#13;", "\r").replaceAll("&amp;", "&");

/** Publishes with these properties; what the engine was asked, and what a consumer reads of it. */
async function roundTrip(front: Awaited<ReturnType<typeof openFront>>, properties: string) {
  const { engine, ask } = front;
  const response = await ask({ body: aMessage({ properties: escaped(properties) }) });
  expect(response.status).toBe(201);
  const asked = engine.requests<PublishRequest>("publish").at(-1);
  if (asked === undefined) throw new Error("the engine was not asked");
  engine.onReceive = () => [aDelivery({ message: asked.message })];
  const read = elementOf(await ask({ method: "GET", target: POLL }), "Properties") ?? "";
  return { asked, read: unescaped(read) };
}

it("PUB-7.2 and PUB-9.1: what a sender sets comes back as it is, and only a reserved name is the reserved property", async () => {
  const front = await openFront();
  await fc.assert(
    fc.asyncProperty(pairs, async (all) => {
      const { asked, read } = await roundTrip(front, all.map(([given, text]) => `${given}:${text}|`).join(""));
      expect(asked.intent).toEqual({ kind: "normal" });
      expect(asked.message.properties).toEqual(all);
      // KEYS is the broker's here; after it stands what was sent, in its order.
      const own = read.split("|").filter((part) => part !== "" && !part.startsWith("KEYS:"));
      expect(own).toEqual(all.map(([given, text]) => `${given}:${text}`));
    }),
    { numRuns: 80 },
  );
});

it("PUB-9.1 and PUB-9.2: a reserved name behind a colon is part of a value", async () => {
  const front = await openFront();
  await fc.assert(
    fc.asyncProperty(word, fc.constantFrom(...RESERVED), async (given, reserved) => {
      const { asked, read } = await roundTrip(front, `${given}:${reserved}:10|`);
      expect(asked.intent).toEqual({ kind: "normal" });
      expect(asked.message.properties).toEqual([[given, `${reserved}:10`]]);
      expect(read).toMatch(/^KEYS:[0-9A-F]{24}\|$/);
    }),
    { numRuns: 40 },
  );
});

it("PUB-7.2: a bar ends a value however it is written, so what follows is a property of its own", async () => {
  const front = await openFront();
  for (const bar of ["|", "&#124;", "&#x7C;", "<![CDATA[|]]>"]) {
    const properties = `a:1${bar}__TransCheckT:10${bar}`;
    const response = await front.ask({ body: aMessage({ properties }) });
    expect(response.status).toBe(201);
    expect(front.engine.requests<PublishRequest>("publish").at(-1)?.intent).toMatchObject({ kind: "transactional" });
  }
});
