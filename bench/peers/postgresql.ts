import { execFileSync } from "node:child_process";
import { chownSync } from "node:fs";
import { join } from "node:path";
import { findVersioned } from "../run/places.ts";
import { freePort, ServerProcess } from "../run/server-process.ts";
import { type Peer, unlessThere } from "./peer.ts";

const INITDB = findVersioned("/usr/lib/postgresql", /^\d+$/, "bin/initdb");
const PROGRAM = findVersioned("/usr/lib/postgresql", /^\d+$/, "bin/postgres");

export const POSTGRESQL: Peer = {
  name: "postgresql",
  title: "PostgreSQL queue table",
  durability: "synchronous_commit: synced before the reply",
  missing: () => unlessThere(INITDB && PROGRAM, "PostgreSQL"),
  start: async (directory) => {
    const as = whoMay();
    if (as !== undefined) chownSync(directory, as.uid, as.gid);
    const data = join(directory, "data");
    execFileSync(INITDB ?? "", ["-D", data, "-U", "bench", "-A", "trust", "-N"], { stdio: "ignore", ...as });
    const port = await freePort();
    const settings = ["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200", "-k", directory];
    const server = new ServerProcess({
      command: PROGRAM ?? "",
      args: ["-D", data, "-p", String(port), ...settings],
      ...(as === undefined ? {} : { as }),
    });
    await server.listensOn(port);
    return { server, port };
  },
};

/** It refuses to run as root; its package brings a user along. */
function whoMay(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}
