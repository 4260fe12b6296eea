import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readPublishedPackages } from "../../scripts/packages/published-package.ts";
import { findRuntimeTree, measureFolder } from "../../scripts/packages/runtime-tree.ts";
import { cleanUp, newDirectory } from "../process/broker-process.ts";
import { EmptyFolder } from "./empty-folder.ts";
import { openLoopbackRegistry } from "./loopback-registry.ts";
import { COMPILATIONS, FLOW, KIT, STRICT } from "./user-code.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);
const STAGEMQ = ["--offline", "stagemq"];
/** Where READMEs say that the broker is. */
const SHOWN = "http://127.0.0.1:4876";
/** What is elsewhere in a container. */
const CONTAINER: Readonly<Record<string, string>> = {
  "0.0.0.0:4876": "127.0.0.1:0",
  "/data": "served",
  "/etc/stagemq/stagemq.yaml": "stagemq.yaml",
};
/** Every user of TypeScript on Node has them. */
const NODE_TYPES = { "@types/node": "*" };

let shop: EmptyFolder;

beforeAll(async () => {
  const directory = await newDirectory();
  await run(process.execPath, ["--conditions=source", "--import", "tsx", "scripts/pack.ts", "--into", directory], {
    cwd: ROOT,
  });
  const tarballs = (await readdir(directory)).filter((file) => file.endsWith(".tgz"));
  shop = new EmptyFolder(directory);
  await shop.write({
    "package.json": JSON.stringify({ name: "shop", private: true, type: "module", devDependencies: NODE_TYPES }),
  });
  const libraries = findRuntimeTree([...readPublishedPackages(ROOT), { folder: ROOT, dependencies: NODE_TYPES }]);
  const registry = await openLoopbackRegistry(libraries, join(directory, "registry"));
  const flags = ["--registry", registry.url, "--no-audit", "--no-fund"];
  await shop.outputOf("npm", "install", ...flags, ...tarballs.map((file) => join(directory, file)));
  await registry.close();
}, 240_000);

afterAll(async () => {
  shop?.endAll();
  await cleanUp();
});

describe("the tarballs, installed into an empty folder without a network", () => {
  it("bring the libraries that the budget counts, and nothing for the workspace", async () => {
    const libraries = findRuntimeTree(readPublishedPackages(ROOT)).map(({ manifest }) => manifest.name);
    const lock = JSON.parse(await readFile(join(shop.path, "package-lock.json"), "utf8")) as {
      packages: Record<string, { dev?: boolean }>;
    };
    const installed = Object.entries(lock.packages).filter(([path, { dev }]) => path !== "" && !dev);
    const names = installed.map(([path]) => path.replace(/^.*node_modules\//, ""));
    expect(names.sort()).toEqual(["stagemq", "@stagemq/broker", "@stagemq/client", ...libraries].sort());
    const bytes = await measureFolder(join(shop.path, "node_modules"));
    expect(bytes).toBeLessThan(40 * 1024 * 1024);
  });

  it("bring the command", async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, "packages/cli/package.json"), "utf8")) as {
      version: string;
    };
    expect(await shop.outputOf("npx", ...STAGEMQ, "--version")).toMatch(
      new RegExp(`^stagemq ${version} [(]data format \\d+[)]\\n$`),
    );
  });

  it("load no broker to say their version", async () => {
    const program = join(installed("stagemq"), "dist/main.js");
    const loaded = await shop.packagesLoadedBy(program, "--version");
    expect(loaded).toContain("stagemq");
    expect(loaded.filter((name) => ["pino", "yaml", "zod", "cli-table3", "@stagemq/client"].includes(name))).toEqual(
      [],
    );
  });

  it("serve; their commands and their client publish and consume: as ES module, as CommonJS, in the place of the official SDK", async () => {
    const { ready, ended } = await shop.serve("npx", ...STAGEMQ, "dev", "--http", "127.0.0.1:0", "--ready-json");
    expect(ready).toMatchObject({ event: "ready", dataDirectory: join(shop.path, ".stagemq") });
    const commands = (await shownIn(installed("stagemq"), "sh", "npx stagemq send")).trim().split("\n");
    const outputs: string[] = [];
    for (const [npx = "", ...words] of commands.map((line) => line.split(" "))) {
      outputs.push(await shop.outputOf(npx, "--offline", ...words, "--endpoint", ready.http));
    }
    expect(outputs.at(-1)).toMatch(/ 1 +first +\S+ +hello$/m);
    await shop.write({
      "module.mjs": (await shownIn(installed("@stagemq/client"), "js")).replace(SHOWN, ready.http),
      "commonjs.cjs": FLOW,
      "drop-in.cjs": (await shownIn(ROOT, "js"))
        .replace(SHOWN, ready.http)
        .replace('require("@aliyunmq/mq-http-sdk")', 'require("@stagemq/client/mq-http-sdk")'),
    });
    expect(await shop.outputOf("node", "module.mjs")).toBe("paid hello\n");
    expect(await shop.outputOf("node", "commonjs.cjs", ready.http)).toBe("paid hello\n");
    expect(await shop.outputOf("node", "drop-in.cjs")).toBe("paid hello\n");
    process.kill(ready.pid, "SIGTERM");
    expect(await ended).toBe(0);
  });

  it("serve as the Dockerfile starts them, and are healthy by its word", async () => {
    const { start, health } = await readDockerfile();
    await shop.write({ "stagemq.yaml": "version: 1\n" });
    const here = start.map((word) => CONTAINER[word] ?? word.replace("/opt/stagemq/", `${shop.path}/`));
    const { ready, ended } = await shop.serve("node", ...here, "--ready-json");
    const [flag = "", program = ""] = health;
    expect(program).toContain(SHOWN);
    const isHealthy = async () => (await shop.run("node", flag, program.replace(SHOWN, ready.http))).exitCode === 0;
    expect(await isHealthy()).toBe(true);
    process.kill(ready.pid, "SIGTERM");
    expect(await ended).toBe(0);
    // Not asked before, at the address that is shown: somebody else's broker may have that.
    expect(await isHealthy()).toBe(false);
  });

  it("bring the broker as a library", async () => {
    await shop.write({ "broker.mjs": await shownIn(installed("@stagemq/broker"), "js") });
    expect(await shop.outputOf("node", "broker.mjs")).toMatch(/^http:\/\/127[.]0[.]0[.]1:\d+\n$/);
  });

  it("bring the test kit", async () => {
    await shop.write({ "kit.mjs": KIT });
    expect(await shop.outputOf("node", "kit.mjs")).toBe("1 2\n");
  });

  for (const { title, compiler, options, files } of COMPILATIONS) {
    it(`bring types: ${title}`, async () => {
      await shop.write({
        ...files,
        "tsconfig.json": JSON.stringify({ compilerOptions: { ...STRICT, ...options }, files: Object.keys(files) }),
      });
      expect(await shop.run("node", join(ROOT, compiler), "--project", ".")).toMatchObject({ exitCode: 0, output: "" });
    });
  }
});

/** What the Dockerfile gives node, in both of its lines. */
async function readDockerfile(): Promise<Readonly<Record<"start" | "health", readonly string[]>>> {
  const text = await readFile(join(ROOT, "Dockerfile"), "utf8");
  const words = (instruction: RegExp) => JSON.parse(instruction.exec(text)?.[1] ?? "[]") as string[];
  const entry = words(/^ENTRYPOINT (.*)$/m);
  const health = words(/^HEALTHCHECK [^\n]*\n *CMD (.*)$/m);
  expect([entry[0], health[0]]).toEqual(["node", "node"]);
  return { start: [...entry.slice(1), ...words(/^CMD (.*)$/m)], health: health.slice(1) };
}

function installed(name: string): string {
  return join(shop.path, "node_modules", name);
}

/** What the README in this folder shows first in a language, and begins so. */
async function shownIn(folder: string, language: string, beginning = ""): Promise<string> {
  const readme = await readFile(join(folder, "README.md"), "utf8");
  const shown = new RegExp(`^\`\`\`${language}\\n(${beginning}.*?)^\`\`\`$`, "ms").exec(readme)?.[1];
  if (shown === undefined) throw new Error(`${folder}/README.md shows no ${language} that begins with "${beginning}"`);
  return shown;
}
