import { findProgram } from "../run/places.ts";
import { freePort, ServerProcess } from "../run/server-process.ts";
import { type Peer, type StartedPeer, unlessThere } from "./peer.ts";

const PROGRAM = findProgram("redis-server");

export const REDIS: Peer = {
  name: "redis",
  title: "Redis Streams",
  durability: "appendfsync always: synced before the reply",
  missing: () => unlessThere(PROGRAM, "Redis"),
  start: startRedis,
};

export const BULLMQ: Peer = {
  name: "bullmq",
  title: "BullMQ on Redis",
  durability: "appendfsync always: synced before the reply",
  missing: () => unlessThere(PROGRAM, "Redis"),
  start: startRedis,
};

async function startRedis(directory: string): Promise<StartedPeer> {
  const port = await freePort();
  const listen = ["--port", String(port), "--bind", "127.0.0.1", "--dir", directory];
  const keep = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];
  const server = new ServerProcess({
    command: PROGRAM ?? "",
    args: [...listen, ...keep, "--maxmemory-policy", "noeviction", "--daemonize", "no", "--loglevel", "warning"],
  });
  await server.listensOn(port);
  return { server, port };
}
