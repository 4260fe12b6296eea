import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { ask } from "./ask.ts";
import { type BrokerOptions, BrokerProcess, cleanUp, newDirectory, runToEnd } from "./broker-process.ts";
import { publish } from "./signed-request.ts";

afterAll(cleanUp);

const run = promisify(execFile);
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/** How a start ended that cannot succeed: exit code and sentences. Nothing but sentences on standard error, nothing else anywhere. */
async function refusalOf(options: BrokerOptions): Promise<[exitCode: number | null, sentences: string]> {
  const { code, output, errorOutput } = await runToEnd(options);
  expect(output).toBe("");
  expect(errorOutput).not.toMatch(/^\s+at |\{"level"|Error:/m);
  return [code, errorOutput.trimEnd()];
}

describe.concurrent("a start that cannot succeed", () => {
  it("RUN-1.1: says that its port is in use", async ({ expect }) => {
    const { port, close } = await listenSomewhere();
    const refusal = await refusalOf({ args: ["--http", `127.0.0.1:${port}`] });
    close();
    expect(refusal).toEqual([
      5,
      `127.0.0.1:${port} is in use. Stop what listens there, or let stagemq pick a port: --http 127.0.0.1:0.`,
    ]);
  });

  it("RUN-1.1: says that another stagemq has its port", async ({ expect }) => {
    const other = await BrokerProcess.start();
    const { host } = new URL(other.endpoint);
    const refusal = await refusalOf({ args: ["--http", host] });
    await other.stop();
    expect(refusal).toEqual([
      5,
      `${host} is in use by another stagemq. Stop what listens there, or let stagemq pick a port: --http 127.0.0.1:0.`,
    ]);
  });

  it("RUN-1.1: says that it may not have its port", async ({ expect, skip }) => {
    const free = Number(await readFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8").catch(() => 1_024));
    if (free <= 80) skip("here everybody may listen on port 80");
    const refusal = await refusalOf({
      args: ["--http", "127.0.0.1:80", "--ephemeral"],
      ...(isRoot ? { uid: NOBODY } : {}),
    });
    expect(refusal).toEqual([4, "Cannot listen on 127.0.0.1:80: not permitted. Choose a port above 1023 with --http."]);
  });

  it("RUN-1.1: says that its address is none of this machine", async ({ expect }) => {
    const refusal = await refusalOf({ args: ["--http", "192.0.2.1:4876"] });
    expect(refusal).toEqual([2, "Cannot listen on 192.0.2.1:4876: this machine has no such address (--http)."]);
  });

  it("RUN-1.1: says that it may not write into its directory, and whose it is", async ({ expect }) => {
    const directory = await newDirectory();
    await chmod(directory, isRoot ? 0o755 : 0o555);
    const uid = isRoot ? NOBODY : process.getuid?.();
    const refusal = await refusalOf({ dataDirectory: directory, ...(isRoot ? { uid: NOBODY } : {}) });
    await chmod(directory, 0o755);
    expect(refusal).toEqual([
      4,
      `Cannot write to ${directory}: it belongs to uid ${process.getuid?.()}, stagemq runs as uid ${uid}. Change its owner, or use another directory: --data DIR.`,
    ]);
  });

  it("RUN-1.1: leaves a directory alone that holds files of others", async ({ expect }) => {
    const directory = await newDirectory();
    await writeFile(join(directory, "invoices.txt"), "precious");
    const refusal = await refusalOf({ dataDirectory: directory });
    expect(refusal).toEqual([
      5,
      `${directory} holds files that stagemq did not write. Use a new or empty directory: --data DIR.`,
    ]);
    const resetRefusal = await refusalOf({ dataDirectory: directory, args: ["--reset", "--yes"] });
    expect(resetRefusal).toEqual(refusal);
    expect(await readFile(join(directory, "invoices.txt"), "utf8")).toBe("precious");
  });

  it("RUN-1.1: says that its directory is none", async ({ expect }) => {
    const file = join(await newDirectory(), "file");
    await writeFile(file, "");
    expect(await refusalOf({ dataDirectory: file })).toEqual([
      2,
      `${file} is not a directory. Use another one: --data DIR.`,
    ]);
  });

  it("RUN-1.1: says that no space is left", async ({ expect, skip }) => {
    const directory = join(await newDirectory(), "small");
    await mkdir(directory);
    const mounted = await run("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", directory]).then(
      () => true,
      () => false,
    );
    if (!mounted) skip("a small file system cannot be mounted here");
    try {
      await run("sh", ["-c", `head -c 100000 /dev/zero > ${directory}/new-lock-f 2>/dev/null; true`]);
      expect(await refusalOf({ dataDirectory: directory })).toEqual([
        70,
        `No space left for ${directory}: 0 KiB are free, 72 MiB are needed. Free some, or use another directory: --data DIR.`,
      ]);
    } finally {
      await run("umount", [directory]);
    }
  });

  it("RUN-1.1 and TIM-4.3: data of a simulated clock opens only with one, and the other way round", async ({
    expect,
  }) => {
    for (const [made, opened] of [
      ["simulated", "system"],
      ["system", "simulated"],
    ]) {
      const directory = await newDirectory();
      const first = await BrokerProcess.start({ args: ["--clock", `${made}`, "--data", directory] });
      await first.stop();
      const refusal = await refusalOf({ args: ["--clock", `${opened}`, "--data", directory] });
      expect(refusal).toEqual([
        5,
        `${directory} was made with --clock ${made} and opens only with it. Start with --clock ${made}, or use another directory: --data DIR.`,
      ]);
    }
  });

  it("RUN-1.1: names a flag that it does not know, and one that is near", async ({ expect }) => {
    expect(await refusalOf({ args: ["--htp", "127.0.0.1:0"] })).toEqual([
      2,
      "Unknown option --htp. Did you mean --http? See stagemq dev --help.",
    ]);
  });

  it("RUN-1.1: names all values that cannot be", async ({ expect }) => {
    const refusal = await refusalOf({
      args: ["--http", "4876", "--clock", "sundial"],
      environment: { STAGEMQ_LOG_LEVEL: "loud" },
    });
    expect(refusal[0]).toBe(2);
    expect(refusal[1].split("\n")).toEqual([
      `--http is "4876"; it must be HOST:PORT, for example 127.0.0.1:4876.`,
      expect.stringMatching(/^--clock is "sundial"; it must be .*system.*simulated/),
      expect.stringMatching(/^STAGEMQ_LOG_LEVEL is "loud"; it must be .*debug.*error/),
    ]);
  });

  it("RUN-1.1: says that its file is not there", async ({ expect }) => {
    expect(await refusalOf({ args: ["--config", "shop.yaml"] })).toEqual([3, "shop.yaml does not exist (--config)."]);
  });

  it("RUN-1.1: names each mistake in the file, with line and column", async ({ expect }) => {
    const startedIn = await newDirectory();
    const file = [
      "version: 1",
      "instances:",
      "  - id: MQ_INST_shop",
      "    topics:",
      "      - { name: payments, kind: transaction }",
      "    grups: []",
      "",
    ].join("\n");
    await writeFile(join(startedIn, "stagemq.yaml"), file);
    const [exitCode, sentences] = await refusalOf({ startedIn });
    expect(exitCode).toBe(2);
    expect(sentences.split("\n")).toEqual([
      `stagemq.yaml:5:33 instances[0].topics[0].kind: "transaction" is not one of normal, delayed, ordered, transactional. Did you mean "transactional"?`,
      expect.stringMatching(/^stagemq[.]yaml:6:5 instances\[0\].*grups.*Did you mean "?groups"?\?$/),
      "2 mistakes in stagemq.yaml; not started.",
    ]);
  });

  it("RUN-1.1: a declaration that the data contradicts is a mistake in the file", async ({ expect }) => {
    const [startedIn, dataDirectory] = [await newDirectory(), await newDirectory()];
    const declare = (topic: string) =>
      writeFile(
        join(startedIn, "stagemq.yaml"),
        `version: 1\ninstances:\n  - id: MQ_INST_shop\n    topics:\n      - { name: orders, ${topic} }\n`,
      );
    await declare("kind: ordered, queues: 8");
    const first = await BrokerProcess.start({ startedIn, dataDirectory });
    await ask(first, publish("orders", { properties: "__SHARDINGKEY:k|" }, "MQ_INST_shop"));
    await first.stop();
    await declare("kind: ordered, queues: 4");
    const [exitCode, sentences] = await refusalOf({ startedIn, dataDirectory });
    expect(exitCode).toBe(2);
    expect(sentences).toMatch(/orders.*8.*4|orders.*4.*8/);
    expect(sentences).toMatch(/1 mistake in .*stagemq[.]yaml; not started[.]$/);
  });

  it("RUN-1.1: serve beyond loopback needs a declared key", async ({ expect }) => {
    const refusal = await refusalOf({ command: "serve", args: ["--http", "0.0.0.0:0"] });
    expect(refusal).toEqual([2, "serve on 0.0.0.0:0 needs a declared access key (users: in stagemq.yaml)."]);
  });

  it("TIM-4.4: serve refuses the simulated clock", async ({ expect }) => {
    const refusal = await refusalOf({ command: "serve", args: ["--clock", "simulated"] });
    expect(refusal).toEqual([2, "--clock simulated is for dev only: serve runs on the system's clock."]);
  });

  it("RUN-1.1: serve refuses --reset, and dev asks nobody where nobody can answer", async ({ expect }) => {
    expect(await refusalOf({ command: "serve", args: ["--reset", "--yes"] })).toEqual([
      2,
      "--reset is for dev only. To wipe the data of serve, stop it and run: stagemq dev --data DIR --reset.",
    ]);
    expect(await refusalOf({ args: ["--reset"] })).toEqual([
      2,
      "--reset asks before it deletes, and here is nobody to answer. Add --yes to delete without asking.",
    ]);
  });
});

async function listenSomewhere(): Promise<{ port: number; close: () => void }> {
  const server = createServer((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return { port: typeof address === "object" ? (address?.port ?? 0) : 0, close: () => server.close() };
}
