import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess, cleanUp } from "../process/broker-process.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);

const readme = await readFile(join(ROOT, "packages/client/README.md"), "utf8");
const codes = [...readme.matchAll(/^```(?:js|ts)\n(.*?)^```$/gms)].map(([, code = ""]) => code);

/** What each snippet says, in the order of the page. */
const OUTPUTS: readonly RegExp[] = [
  /^paid hello\n$/,
  /^$/,
  /^1 welcome false\n$/,
  /^one\n$/,
  /^o-1 created\no-1 paid\no-1 sent\n$/,
  /^$/,
  /^$/,
];

let broker: BrokerProcess;

beforeAll(async () => {
  broker = await BrokerProcess.start({ args: ["--ephemeral"] });
});

afterAll(async () => {
  await broker.stop();
  await cleanUp();
});

describe("the snippets of the client's README", () => {
  it("are as many as their outputs", () => {
    expect(codes).toHaveLength(OUTPUTS.length);
  });

  it.each(codes.map((code, place) => [place + 1, code] as const))(
    "number %d runs as it stands",
    async (place, code) => {
      const { code: script } = await transform(code.replace("http://127.0.0.1:4876", broker.endpoint), {
        loader: "ts",
      });
      const env = {
        ...process.env,
        STAGEMQ_ENDPOINT: broker.endpoint,
        ALIBABA_CLOUD_ACCESS_KEY_ID: "dev",
        ALIBABA_CLOUD_ACCESS_KEY_SECRET: "dev-secret",
      };
      const { stdout, stderr } = await run(process.execPath, ["--input-type=module", "-e", script], { cwd: ROOT, env });
      expect(stderr).toBe("");
      expect(stdout).toMatch(OUTPUTS[place - 1] ?? /never/);
    },
  );
});
