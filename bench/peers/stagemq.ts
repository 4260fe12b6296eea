import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../run/places.ts";
import { ServerProcess } from "../run/server-process.ts";
import type { Peer } from "./peer.ts";

const MAIN = join(ROOT, "packages/cli/dist/main.js");

/** What `--ready-json` says. */
export interface Ready {
  readonly http: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
}

export const STAGEMQ: Peer = {
  name: "stagemq",
  title: "stagemq",
  durability: "synced before the 201; deliveries and acknowledgements before their reply",
  missing: () => (existsSync(MAIN) ? undefined : "stagemq is not built: npx tsc -b"),
  start: async (directory) => {
    const { server, port } = await startStagemq(directory);
    return { server, port };
  },
};

export function stagemqCommand(...args: string[]): { command: string; args: string[] } {
  return { command: process.execPath, args: [MAIN, ...args] };
}

/** Also tells when it was ready, from the start of the process. */
export async function startStagemq(
  directory: string,
): Promise<{ server: ServerProcess; port: number; readyAfterMs: number }> {
  const server = new ServerProcess(
    stagemqCommand("dev", "--http", "127.0.0.1:0", "--ready-json", "--log-level", "warn", "--data", directory),
  );
  const { line, afterMs } = await server.firstLine();
  const { http } = JSON.parse(line) as Ready;
  return { server, port: Number(new URL(http).port), readyAfterMs: afterMs };
}
