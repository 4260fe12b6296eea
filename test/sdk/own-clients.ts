import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildOnce } from "./build-once.ts";
import type { DriverCommand } from "./driver-process.ts";
import { DRIVERS, NODE, PLAIN, type SdkKit } from "./sdks.ts";

const OFFICIAL_DRIVER = join(DRIVERS, "node/driver.mjs");
const OFFICIAL_IMPORT = 'import mq from "@aliyunmq/mq-http-sdk";\n';
const DROP_IN_IMPORT = 'import * as mq from "@stagemq/client/mq-http-sdk";\n';

const MANIFEST = join(import.meta.dirname, "../../packages/client/package.json");
const { version } = JSON.parse(readFileSync(MANIFEST, "utf8")) as { readonly version: string };
const OURS = { version, comesFrom: "this repository", ...NODE };

/** The clients of this project play what the official SDKs play. They are none of the seven. */
export const OWN_CLIENTS: readonly SdkKit[] = [
  {
    name: "client",
    package: "@stagemq/client",
    ...OURS,
    quirks: { ...PLAIN, tellsStatus: true },
    prepare: async () => runByNode(join(DRIVERS, "stagemq/driver.mjs")),
  },
  {
    name: "drop-in",
    package: "@stagemq/client/mq-http-sdk",
    ...OURS,
    quirks: { ...PLAIN, tellsStatus: true, refusesColons: false },
    prepare: prepareDropIn,
  },
];

/** Its driver is the official Node SDK's with one import changed: that is what a drop-in promises. */
async function prepareDropIn(): Promise<DriverCommand> {
  const [before, after, ...more] = (await readFile(OFFICIAL_DRIVER, "utf8")).split(OFFICIAL_IMPORT);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`the driver of the Node SDK has not just one line ${OFFICIAL_IMPORT}`);
  const built = await buildOnce("drop-in", [OFFICIAL_DRIVER, import.meta.filename], (folder) =>
    writeFile(join(folder, "driver.mjs"), `${before}${DROP_IN_IMPORT}${after}`),
  );
  return runByNode(join(built, "driver.mjs"));
}

function runByNode(driver: string): DriverCommand {
  return { program: process.execPath, args: [driver] };
}
