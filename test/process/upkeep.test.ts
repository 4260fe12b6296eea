import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, it } from "vitest";
import { ask, elementsOf, verdictOf } from "./ask.ts";
import { BrokerProcess, cleanUp, newDirectory, runProgram, runToEnd } from "./broker-process.ts";
import { acknowledge, poll, publish } from "./signed-request.ts";

afterAll(cleanUp);

/** The bodies of everything in a topic, as a new group gets them. */
async function drain(broker: BrokerProcess, topic: string): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const answer = await ask(broker, poll(topic, "GID_drain"));
    const handles = elementsOf(answer, "ReceiptHandle");
    if (handles.length === 0) return bodies;
    bodies.push(...elementsOf(answer, "MessageBody"));
    await ask(broker, acknowledge(topic, "GID_drain", ...handles));
  }
}

describe.concurrent("stagemq backup", () => {
  it("copies the data of a broker under load; restored, all that was confirmed before is there", async ({ expect }) => {
    const dataDirectory = join(await newDirectory(), "data");
    const broker = await BrokerProcess.start({ dataDirectory });
    const confirmed: string[] = [];
    let isOver = false;
    const producers = [0, 1, 2, 3].map(async (producer) => {
      for (let number = 0; !isOver; number++) {
        const body = `${producer}-${number}`;
        if (verdictOf(await ask(broker, publish("orders", { body }))) === "201") confirmed.push(body);
      }
    });
    while (confirmed.length < 200) await new Promise((resolve) => setTimeout(resolve, 10));

    const before = [...confirmed];
    const target = join(await newDirectory(), "copy");
    const created = await runProgram("backup", "create", dataDirectory, target, "--quiet");
    isOver = true;
    await Promise.all(producers);
    await broker.stop();
    expect([created.code, created.errorOutput]).toEqual([0, ""]);
    expect(created.output).toMatch(/in \d files, all that was confirmed by 20/);
    for (const name of await readdir(target)) expect((await stat(join(target, name))).mode & 0o777).toBe(0o600);
    expect((await stat(target)).mode & 0o777).toBe(0o700);
    expect((await runProgram("backup", "verify", target)).code).toBe(0);

    const restored = join(await newDirectory(), "restored");
    expect((await runProgram("backup", "restore", target, restored)).code).toBe(0);
    const fsck = await runProgram("fsck", restored, "--json");
    expect([fsck.code, JSON.parse(fsck.output)]).toMatchObject([0, { sound: true, topics: [{ topic: "orders" }] }]);
    const other = await BrokerProcess.start({ dataDirectory: restored });
    const there = new Set(await drain(other, "orders"));
    await other.stop();
    expect(before.filter((body) => !there.has(body))).toEqual([]);
  });

  it("says what is wrong with a target, a backup and a directory", async ({ expect }) => {
    const directory = await newDirectory();
    await writeFile(join(directory, "notes"), "mine");
    expect(await runProgram("backup", "create", directory, join(directory, "copy"))).toMatchObject({
      code: 3,
      errorOutput: `${directory} holds no data of stagemq.\n`,
    });
    expect(await runProgram("backup", "verify", directory)).toMatchObject({
      code: 3,
      errorOutput: `${directory} holds no finished backup: stagemq-backup.json is missing.\n`,
    });
    expect(await runProgram("backup", "create", directory)).toMatchObject({
      code: 2,
      errorOutput: "Missing required argument 'target'. See stagemq backup create --help.\n",
    });
  });
});

describe.concurrent("stagemq fsck", () => {
  it("DUR-4.2: refuses a directory that a broker uses, and names the broker", async ({ expect }) => {
    const dataDirectory = await newDirectory();
    const broker = await BrokerProcess.start({ dataDirectory });
    const { code, errorOutput } = await runProgram("fsck", dataDirectory);
    await broker.stop();
    expect([code, errorOutput]).toEqual([
      5,
      `${dataDirectory} is in use by stagemq (pid ${broker.ready.pid}). Stop it first.\n`,
    ]);
  });

  it("DUR-1.3: shows damage that stops the start, asks, repairs, and the broker starts again", async ({ expect }) => {
    const dataDirectory = await newDirectory();
    const broker = await BrokerProcess.start({ dataDirectory });
    for (const body of ["first", "second", "third", "fourth"]) await ask(broker, publish("orders", { body }));
    await broker.stop();
    const segment = join(dataDirectory, "00000001.seg");
    const bytes = await readFile(segment);
    bytes[bytes.indexOf("third")] = 0x74 ^ 0x01;
    await writeFile(segment, bytes);

    const refused = await runToEnd({ dataDirectory });
    expect([refused.code, refused.errorOutput]).toEqual([
      70,
      expect.stringContaining(`Look at it: stagemq fsck ${dataDirectory}.`),
    ]);
    const shown = await runProgram("fsck", dataDirectory);
    expect(shown.code).toBe(1);
    expect(shown.output).toMatch(
      /00000001\.seg: segment 1, bytes \d+ to \d+: at least 1 message of orders \(stops the start\)/,
    );
    expect(shown.output).toContain(`\nRepair it: stagemq fsck ${dataDirectory} --repair\n`);
    const asked = await runProgram("fsck", dataDirectory, "--repair");
    expect([asked.code, asked.output]).toEqual([2, ""]);
    expect(asked.errorOutput).toContain("Add --yes to repair without asking.\nNothing was changed.\n");
    expect((await readFile(segment)).equals(bytes)).toBe(true);

    const repaired = await runProgram("fsck", dataDirectory, "--repair", "--yes");
    expect(repaired.code).toBe(0);
    expect(repaired.output).toContain("No damage.");
    const [, copies = ""] = /is kept in (.+)\.\n/.exec(repaired.errorOutput) ?? [];
    expect(await readdir(copies)).toHaveLength(1);
    const next = await BrokerProcess.start({ dataDirectory });
    const bodies = await drain(next, "orders");
    await next.stop();
    expect(bodies).toEqual(["first", "second"]);
  });

  it("DUR-1.3: does not offer a repair where there is none", async ({ expect }) => {
    const dataDirectory = await newDirectory();
    await (await BrokerProcess.start({ dataDirectory })).stop();
    await writeFile(join(dataDirectory, "stagemq-data.json"), "{}");
    const { code, output } = await runProgram("fsck", dataDirectory);
    expect(code).toBe(1);
    expect(output).toContain(
      "\nstagemq-data.json cannot be made anew: it holds the key to all handles. Restore a backup",
    );
    expect(output).not.toContain("--repair");
  });
});
