import { createHash } from "node:crypto";
import { expect } from "vitest";
import { SdkRefusal } from "../sdk.ts";
import type { Scenario, Stage } from "../stage.ts";
import { bodiesOf, drain } from "./drain.ts";

const TOPIC = "notes";
const NOTES = { topic: TOPIC, group: "GID_notes" };
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const BODIES = [
  "one\r\ntwo\n\tthree\rfour",
  "emoji 🎉 and 👩‍👩‍👧‍👦, 中文, ñ",
  "  blanks around  ",
  "\n\tline ends around\r\n",
  `<a href="x">&amp;'&#10;</a><!-- ]] > -->`,
];

export const bodies: Scenario = {
  title: "a body comes back as it was sent: line ends, emoji, blanks, XML",
  play: playBodies,
};

export const largeBody: Scenario = {
  title: "a body of 4 MiB is carried, one byte more is refused",
  play: playLargeBody,
};

export const filters: Scenario = {
  title: "a filter A||B gets what is tagged A or B; * and no filter get everything",
  play: playFilters,
};

export const keys: Scenario = {
  title: "tag, key and properties come back, and without a key the broker gives one",
  play: playKeys,
};

export const colonKey: Scenario = {
  title: "a key with a colon is refused by the SDK itself, or costs its key and not the message",
  play: playColonKey,
};

async function playBodies(stage: Stage): Promise<void> {
  const client = stage.client();
  const sent = stage.sdk.quirks.escapesText ? [...BODIES, "a]]>b"] : BODIES;
  for (const body of sent) expect((await client.publish(TOPIC, { body })).bodyMd5).toBe(md5(body));

  const received = await drain(client, NOTES);
  expect(bodiesOf(received)).toEqual(sent);
  expect(received.map(({ bodyMd5 }) => bodyMd5)).toEqual(sent.map(md5));
}

async function playLargeBody(stage: Stage): Promise<void> {
  const client = stage.client();
  const body = fourMiB();
  await client.publish(TOPIC, { body });
  const tooLarge = client.publish(TOPIC, { body: `${body}x` });
  await expect(tooLarge).rejects.toMatchObject({ code: "InvalidArgument" });

  const [received, ...noMore] = await drain(client, NOTES);
  expect(noMore).toEqual([]);
  // Not toEqual: nobody wants to read that difference.
  expect(received?.body === body).toBe(true);
}

async function playFilters(stage: Stage): Promise<void> {
  const client = stage.client();
  for (const tag of ["A", "B", "C", "a", undefined])
    await client.publish(TOPIC, { body: tag ?? "untagged", ...(tag === undefined ? {} : { tag }) });

  const filtered = (filter: string | undefined, group: string) =>
    drain(client, { topic: TOPIC, group, ...(filter === undefined ? {} : { filter }) });
  expect(await filtered("A||B", "GID_either")).toMatchObject([{ tag: "A" }, { tag: "B" }]);
  expect(bodiesOf(await filtered("C", "GID_one"))).toEqual(["C"]);
  expect(bodiesOf(await filtered("*", "GID_star"))).toEqual(["A", "B", "C", "a", "untagged"]);
  expect(bodiesOf(await filtered(undefined, "GID_all"))).toEqual(["A", "B", "C", "a", "untagged"]);
}

async function playKeys(stage: Stage): Promise<void> {
  const client = stage.client();
  const full = { body: "full", tag: "paid", key: "order-4711", properties: { a: "1", b: "two words" } };
  await client.publish(TOPIC, full);
  await client.publish(TOPIC, { body: "bare" });
  const [first, bare] = await drain(client, NOTES);
  expect(first).toMatchObject(full);
  expect(bare).toMatchObject({ body: "bare", tag: "", properties: {} });
  expect(bare?.key).toMatch(/^[0-9A-F]{8,}$/);
}

async function playColonKey(stage: Stage): Promise<void> {
  const client = stage.client();
  const publish = client.publish(TOPIC, { body: "colon", key: "order:4711", properties: { a: "1" } });
  if (stage.sdk.quirks.refusesColons) {
    const mistake = await publish.catch((reason: unknown) => reason);
    expect(mistake).toBeInstanceOf(Error);
    expect(mistake).not.toBeInstanceOf(SdkRefusal);
    expect(await drain(client, NOTES)).toEqual([]);
  } else {
    await publish;
    // PUB-9: no SDK could read it back.
    expect(await drain(client, NOTES)).toMatchObject([{ body: "colon", key: "", properties: { a: "1" } }]);
  }
}

function fourMiB(): string {
  const line = "0123456789 <a&b>";
  return line.repeat(MAX_BODY_BYTES / line.length);
}

function md5(body: string): string {
  return createHash("md5").update(body, "utf8").digest("hex").toUpperCase();
}
