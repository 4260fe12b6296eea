import { type ChildProcess, type ExecFileException, execFile, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cleanUp, newDirectory, type Ready } from "../process/broker-process.ts";
import { kitOf, pythonWithSdk, whatIsMissing } from "../sdk/sdks.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const PORT = 4_876;
const run = promisify(execFile);

/** What the README shows, block by block. */
interface Readme {
  readonly firstCommand: string;
  readonly box: readonly string[];
  /** To be typed in a second terminal. */
  readonly tries: readonly string[];
  readonly node: string;
  readonly python: string;
  readonly readyCommand: string;
  readonly readyLine: string;
  readonly curls: readonly string[];
}

let clone: string;
let readme: Readme;
const children: ChildProcess[] = [];

beforeAll(async () => {
  clone = join(await newDirectory(), "stagemq");
  await run("git", ["clone", "--quiet", ROOT, clone]);
  readme = readReadme(await readFile(join(clone, "README.md"), "utf8"));
});

afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await cleanUp();
});

/** In this order: the first of them finds a clone in which nothing was installed. */
describe.sequential("what the README shows, on a fresh clone", () => {
  it("REQ-1.4: its first command installs, builds and serves, on both loopbacks; its snippets do what they say", async () => {
    const broker = await startAsFirst({ NODE_ENV: "production" });
    const [line = ""] = await broker.find(/^\{.*"event":"broker.ready".*$/m);
    const facts = JSON.parse(line) as Ready;
    expect(facts).toMatchObject({ instance: "MQ_INST_dev", dataDirectory: join(clone, ".stagemq") });
    if (broker.isAsShown) {
      expect(facts.http).toBe(`http://127.0.0.1:${PORT}`);
      if (hasIpv6Loopback()) expect((await fetch(`http://[::1]:${PORT}/`)).status).toBe(400);
    }

    const outputs: string[] = [];
    for (const command of readme.tries) {
      const environment = { ...plainEnvironment(), STAGEMQ_ENDPOINT: facts.http };
      outputs.push((await run("sh", ["-c", command], { cwd: clone, env: environment })).stdout);
    }
    expect(outputs.at(-1)).toMatch(/ 1 +first +\S+ +hello$/m);

    expect(await outputOf(process.execPath, "snippet.cjs", at(facts.http, readme.node))).toBe("paid hello\n");
    if ((await whatIsMissing(kitOf("Python"))) === undefined) {
      // A group of its own: it gets what Node's sent, too.
      const python = await pythonWithSdk();
      expect(await outputOf(python, "snippet.py", at(facts.http, readme.python))).toBe("paid hello\npaid hello\n");
    } else {
      expect(process.env.STAGEMQ_CI, "where everything must be tried, Python is missing").toBeUndefined();
      console.warn("no python3 with venv here: the README's Python snippet is not tried");
    }

    broker.child.kill("SIGTERM");
    expect(await broker.ended).toBe(0);
    // What it made is ignored by git, the data too.
    const { stdout: changed } = await run("git", ["status", "--short"], { cwd: clone });
    expect(changed.split("\n").filter((path) => path !== "" && !path.includes("snippet"))).toEqual([]);
  });

  it("brings every command of stagemq, once its first has built it", async () => {
    const { stdout } = await run("npx", ["stagemq", "--version"], { cwd: clone, env: plainEnvironment() });
    expect(stdout).toMatch(/^stagemq \d+[.]\d+[.]\d+ [(]data format \d+[)]\n$/);
  });

  it("shows the same in Chinese", async () => {
    const [ours, chinese] = await Promise.all(
      ["README.md", "README.zh-CN.md"].map(async (file) => blocksOf(await readFile(join(clone, file), "utf8"))),
    );
    expect(chinese?.length).toBeGreaterThan(5);
    expect(ours).toEqual(expect.arrayContaining(chinese ?? []));
  });

  it("shows its box on a terminal, and ends with 0 at Ctrl-C", async ({ skip }) => {
    const hasTerminal = await run("script", ["--version"]).then(
      () => true,
      () => false,
    );
    if (!hasTerminal) skip("here is no script(1) to make a terminal");
    // `exec`: a shell that waits for npm would itself be ended by Ctrl-C, whatever npm makes of it.
    const broker = await startAsFirst({}, (command) => `script --quiet --return --command "exec ${command}" /dev/null`);
    const [shown = ""] = await broker.find(/stagemq \d+[.].*Ctrl-C/s);
    const port = /http:\/\/127[.]0[.]0[.]1:(\d+)/.exec(shown)?.[1] ?? "";
    const words = (line: string) => line.trim().replace(/\s+/g, " ");
    const expected = readme.box.map((line) => line.replace("/srv/shop", clone).replace(`${PORT}`, port));
    expect(shown.split("\n").map(words)).toEqual(expected.map(words));
    broker.child.stdin?.write("\x03");
    expect(await broker.ended).toBe(0);
  });

  it("writes the ready line that it shows, alone", async () => {
    const broker = start(readme.readyCommand);
    const [line = ""] = await broker.find(/^\{.*"event":"ready".*\}$/m);
    expect(Object.keys(JSON.parse(line))).toEqual(Object.keys(JSON.parse(readme.readyLine)));
    broker.child.kill("SIGTERM");
    expect(await broker.ended).toBe(0);
    expect(broker.output()).toBe(`${line}\n`);
  });

  it("moves a simulated clock with the commands that it shows", async ({ skip }) => {
    const hasCurl = await run("curl", ["--version"]).then(
      () => true,
      () => false,
    );
    if (!hasCurl) skip("here is no curl");
    const broker = start(`${readme.readyCommand} --clock simulated`);
    const [line = ""] = await broker.find(/^\{.*"event":"ready".*\}$/m);
    const { test = "" } = JSON.parse(line) as Ready;
    expect(readme.curls).toHaveLength(2);
    for (const curl of readme.curls) {
      const { stdout } = await run("sh", ["-c", curl.replace(/http:\/\/127[.]0[.]0[.]1:\d+/, test)]);
      expect(JSON.parse(stdout)).toEqual({ now: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) });
    }
    broker.child.kill("SIGTERM");
    expect(await broker.ended).toBe(0);
  });
});

/** Finds the blocks by what they are, so that text may be written between them. */
function readReadme(text: string): Readme {
  const blocks = blocksOf(text);
  const find = (sort: string, isIt: (block: string) => boolean = () => true): string => {
    const found = blocks.find((block) => block.sort === sort && isIt(block.block));
    if (found === undefined) throw new Error(`the README has no such block of ${sort || "text"}`);
    return found.block;
  };
  return {
    firstCommand: find("sh").trim(),
    box: find("").trimEnd().split("\n"),
    tries: find("sh", (block) => block.startsWith("npx stagemq send"))
      .trim()
      .split("\n"),
    node: find("js"),
    python: find("python"),
    readyCommand: find("sh", (block) => block.includes("--ready-json")).trim(),
    readyLine: find("json").trim(),
    curls: find("sh", (block) => block.startsWith("curl "))
      .trim()
      .split("\n"),
  };
}

function blocksOf(text: string): { readonly sort: string; readonly block: string }[] {
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, sort = "", block = ""]) => ({ sort, block }));
}

interface Started {
  readonly child: ChildProcess;
  /** Its exit code. */
  readonly ended: Promise<number | null>;
  output(): string;
  /** Waits until this stands in what it wrote, on either stream. */
  find(pattern: RegExp): Promise<RegExpExecArray>;
}

/** The README's first command: as it is shown, where its port is free. */
async function startAsFirst(
  environment: Readonly<Record<string, string>>,
  under = (command: string) => command,
): Promise<Started & { readonly isAsShown: boolean }> {
  const isAsShown = await canListen();
  if (!isAsShown) console.warn(`port ${PORT} is taken here: the README's first command is tried on another one`);
  const command = isAsShown ? readme.firstCommand : `${readme.firstCommand} -- --http 127.0.0.1:0`;
  return { ...start(under(command), environment), isAsShown };
}

/** Runs a command line in the clone, as from a shell that knows nothing of this test run. */
function start(command: string, environment: Readonly<Record<string, string>> = {}): Started {
  const child = spawn("sh", ["-c", `exec ${command}`], { cwd: clone, env: { ...plainEnvironment(), ...environment } });
  children.push(child);
  let output = "";
  let all = "";
  let wake: () => void = () => {};
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      all += text.replaceAll("\r", "");
      wake();
    });
  }
  let isOver = false;
  const ended = new Promise<number | null>((end) => {
    child.once("close", (code) => {
      isOver = true;
      end(code);
      wake();
    });
  });
  const find = async (pattern: RegExp) => {
    for (;;) {
      const found = pattern.exec(all);
      if (found !== null) return found;
      if (isOver) throw new Error(`${command} ended:\n${all}`);
      await new Promise<void>((more) => {
        wake = more;
      });
    }
  };
  return { child, ended, output: () => output, find };
}

/** Without what npm and this test run have added. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const added = /^(npm_(?!config_)|npm_config_(local_prefix|call)|NODE_(ENV|OPTIONS|PATH)$|VITEST|STAGEMQ_)/i;
  const kept = Object.entries(process.env).filter(([name]) => !added.test(name));
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter) };
}

function at(endpoint: string, snippet: string): string {
  expect(snippet).toContain(`http://127.0.0.1:${PORT}`);
  return snippet.replace(`http://127.0.0.1:${PORT}`, endpoint);
}

/** Runs a snippet from a file of this name in the clone; what it wrote, or what went wrong. */
async function outputOf(program: string, name: string, snippet: string): Promise<string> {
  const file = join(clone, name);
  await writeFile(file, snippet);
  const { stdout, stderr } = await run(program, [file], { cwd: clone, env: plainEnvironment() }).catch(
    (error: ExecFileException & { stdout: string; stderr: string }) => error,
  );
  return stdout + stderr;
}

function canListen(): Promise<boolean> {
  return new Promise((answer) => {
    const server = createServer()
      .once("error", () => answer(false))
      .listen(PORT, "127.0.0.1", () => server.close(() => answer(true)));
  });
}

function hasIpv6Loopback(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === "::1"));
}
