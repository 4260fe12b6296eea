import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { readResp } from "../load/drivers/read-resp.ts";
import { Roll } from "../load/roll.ts";
import { readUsage, treeOf } from "../run/usage.ts";

const LONG_MS = 60_000;

test("a roll is done once all have come, and counts who came again", async () => {
  const first: string[] = [];
  const roll = new Roll(3, LONG_MS, (label) => first.push(label));
  roll.received(["a", "b", "a"]);
  assert.deepEqual([roll.isDone, roll.count, roll.again, first], [false, 2, 1, ["a", "b"]]);
  roll.received(["c"]);
  await roll.done;
  assert.ok(roll.isDone);
});

test("a roll is done when its time is up, and at once when nobody is expected", async () => {
  const late = new Roll(1, 1);
  await late.done;
  assert.deepEqual([late.isDone, late.count], [true, 0]);
  await new Roll(0, LONG_MS).done;
});

test("a reply of Redis is read once it is all there", () => {
  const text = "*2\r\n*2\r\n$3\r\nabc\r\n:7\r\n$-1\r\n+next\r\n";
  for (let length = 0; length < text.indexOf("+"); length++) assert.equal(readResp(text.slice(0, length)), undefined);
  const read = readResp(text);
  assert.deepEqual(read, { value: [["abc", 7], null], end: text.indexOf("+") });
  assert.deepEqual(readResp(text, read?.end), { value: "next", end: text.length });
  assert.equal(readResp("$3\r\nab"), undefined);
  assert.match(String(readResp("-ERR no\r\n")?.value), /ERR no/);
});

test("what a process used is counted with its children", async () => {
  const busy = "for (const until = Date.now() + 200; Date.now() < until; );";
  const parent = spawn("sh", [
    "-c",
    `'${process.execPath}' -e '${busy} console.log(1); setTimeout(() => {}, 60000)' & wait`,
  ]);
  await once(parent.stdout, "data");
  const pid = parent.pid ?? 0;
  const tree = await treeOf(pid);
  const { processorMicros, residentMegabytes } = await readUsage(pid);
  for (const each of tree.toReversed()) process.kill(each);
  assert.equal(tree.length, 2);
  assert.ok(processorMicros > 20_000, `${processorMicros} µs`);
  assert.ok(residentMegabytes > 1, `${residentMegabytes} MB`);
});
