import { findProgram } from "../run/places.ts";
import { freePort, ServerProcess } from "../run/server-process.ts";
import { type Peer, unlessThere } from "./peer.ts";

const PROGRAM = findProgram("nats-server");

export const NATS: Peer = {
  name: "nats",
  title: "NATS JetStream, syncs later",
  durability: "file storage, answers before the sync: weaker",
  missing: () => unlessThere(PROGRAM, "nats-server"),
  start: async (directory) => {
    const port = await freePort();
    const args = ["-js", "-sd", directory, "-a", "127.0.0.1", "-p", String(port)];
    const server = new ServerProcess({ command: PROGRAM ?? "", args });
    await server.listensOn(port);
    return { server, port };
  },
};
