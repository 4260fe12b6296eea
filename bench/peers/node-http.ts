import { join } from "node:path";
import { BENCH } from "../run/places.ts";
import { ServerProcess } from "../run/server-process.ts";
import type { Peer } from "./peer.ts";

/** The ceiling: the same requests, answered with hello by a bare `node:http`. Keeps nothing. */
export const NODE_HTTP: Peer = {
  name: "node-http",
  title: "bare node:http, hello",
  durability: "keeps nothing",
  missing: () => undefined,
  start: async () => {
    const server = new ServerProcess({ command: process.execPath, args: [join(BENCH, "peers/hello-server.mjs")] });
    const { line } = await server.firstLine();
    return { server, port: Number(line) };
  },
};
