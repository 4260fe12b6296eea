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
});

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

  it("serve, and their client publishes and consumes, as ES module and as CommonJS", async () => {
    const { ready, ended } = await shop.serve("npx", ...STAGEMQ, "dev", "--http", "127.0.0.1:0", "--ready-json");
    expect(ready).toMatchObject({ event: "ready", dataDirectory: join(shop.path, ".stagemq") });
    await shop.write({
      "readme.mjs": (await snippetOf("@stagemq/client")).replace(SHOWN, ready.http),
      "flow.cjs": FLOW,
    });
    expect(await shop.outputOf("node", "readme.mjs")).toBe("paid hello\n");
    expect(await shop.outputOf("node", "flow.cjs", ready.http)).toBe("paid hello\n");
    process.kill(ready.pid, "SIGTERM");
    expect(await ended).toBe(0);
  });

  it("bring the broker as a library", async () => {
    await shop.write({ "broker.mjs": await snippetOf("@stagemq/broker") });
    expect(await shop.outputOf("node", "broker.mjs")).toMatch(/^http:\/\/127[.]0[.]0[.]1:\d+\n$/);
  });

  it("bring the test kit", async () => {
    await shop.write({ "kit.mjs": KIT });
    expect(await shop.outputOf("node", "kit.mjs")).toBe("300000\n");
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

/** What a package's README shows first, as it was installed. */
async function snippetOf(name: string): Promise<string> {
  const readme = await readFile(join(shop.path, "node_modules", name, "README.md"), "utf8");
  const [, snippet] = /^```js\n(.*?)^```$/ms.exec(readme) ?? [];
  return snippet ?? `throw new Error("the README of ${name} shows nothing")`;
}
