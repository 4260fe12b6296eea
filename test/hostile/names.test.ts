import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, bodiesOf, elementsOf, verdictOf } from "../process/ask.ts";
import { BrokerProcess, cleanUp, newDirectory } from "../process/broker-process.ts";
import { acknowledge, messagesOf, poll, publish } from "../process/signed-request.ts";

/** What is meant to leave a folder, end a text, be a property of every object, command a terminal or be markup. */
const HOSTILE = [
  ".",
  "..",
  "../../../../tmp/stagemq-escaped",
  "..\\..\\windows",
  "/etc/passwd",
  "a\0b",
  "a\r\nX-Injected: 1",
  'a\n{"level":"error","event":"forged"}',
  "\u001b[2J\u001b]0;owned\u0007",
  "\u009b31m",
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "=cmd|' /C calc'!A0",
  '"; DROP TABLE topics; --',
  "$(touch /tmp/stagemq-escaped)",
  "\u{1F984}",
  "\u202egnp.exe",
  "a b",
  "x".repeat(65),
  "%",
  "CON",
  "a:b",
];
/** Names like any other, though every object of the language has such a property. */
const INHERITED = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "valueOf",
  "__defineGetter__",
];

let broker: BrokerProcess;
let dataDirectory: string;
let startedIn: string;

beforeAll(async () => {
  [dataDirectory, startedIn] = [await newDirectory(), await newDirectory()];
  broker = await BrokerProcess.start({ dataDirectory, startedIn, args: ["--log-level", "debug"] });
});

afterAll(async () => {
  await broker.stop();
  await cleanUp();
});

describe("a name from outside", () => {
  it("REQ-5.1: hostile ones are refused or are names, wherever they stand, and nothing else becomes of them", async () => {
    const filesBefore = await files();
    for (const name of HOSTILE) {
      const encoded = encodeURIComponent(name);
      const verdicts = [
        verdictOf(await ask(broker, publish(encoded))),
        verdictOf(await ask(broker, publish("orders", {}, encoded))),
        verdictOf(await ask(broker, poll(encoded, "GID_a"))),
        verdictOf(await ask(broker, poll("orders", encoded))),
        verdictOf(await ask(broker, poll("orders", "GID_a", `tag=${encoded}`))),
        verdictOf(await ask(broker, acknowledge(encoded, encoded, "h"))),
        verdictOf(
          await ask(broker, { method: "DELETE", target: messagesOf(encoded, `consumer=${encoded}&trans=commit`) }),
        ),
      ];
      for (const verdict of verdicts) expect([name, verdict]).toEqual([name, expect.stringMatching(EXPECTED)]);
    }
    // Its files are named by what they hold, never by what a client says.
    expect(await files()).toEqual(filesBefore);
    expect(await readdir(startedIn)).toEqual([]);
    expect(await readdir("/tmp")).not.toContain("stagemq-escaped");
  });

  it("INS-2.1: names that every object has are topics, groups, tags and properties like any other", async () => {
    for (const name of INHERITED) {
      const message = { body: name, tag: name, properties: `${name}:1|KEYS:${name}|` };
      expect(verdictOf(await ask(broker, publish(name, message, name)))).toBe("201");
      const found = await ask(broker, poll(name, name, `ns=${name}&tag=${name}`));
      expect([name, elementsOf(found, "MessageBody"), elementsOf(found, "Properties")[0]]).toEqual([
        name,
        [name],
        expect.stringContaining(`${name}:1|`),
      ]);
      const [handle = ""] = elementsOf(found, "ReceiptHandle");
      expect(verdictOf(await ask(broker, acknowledge(name, `${name}&ns=${name}`, handle)))).toBe("204");
      // A group has the names of no object as its subscriptions.
      expect(await bodiesOf(broker, poll(name, "GID_none", `ns=${name}&tag=other`))).toEqual([]);
    }
  });

  it("RUN-3.1: each line of the log is one event of the broker's own, whatever was sent", async () => {
    await ask(broker, { ...publish("orders"), accessKeyId: "a\u009b31m<b>" });
    await ask(broker, publish("orders", { tag: "&#10;forged", properties: "KEYS:&#13;&#10;forged|" }));
    const lines = broker.log.split("\n").filter((line) => line !== "");
    expect(lines.length).toBeGreaterThan(HOSTILE.length);
    for (const line of lines) {
      const event = JSON.parse(line) as { event: string };
      expect(event.event).toMatch(/^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$/);
      expect(event.event).not.toBe("forged");
    }
  });
});

const EXPECTED =
  /^(200|201|204|400 (InvalidArgument|InvalidRequestURL|MissingReceiptHandle)|404 (MessageNotExist|TopicNotExist|ReceiptHandleError))$/;

async function files(): Promise<string[]> {
  const names = await readdir(dataDirectory, { recursive: true });
  // The space that is kept comes soon after the start, and names nobody.
  return names.filter((name) => name !== "stagemq-reserve").sort();
}
