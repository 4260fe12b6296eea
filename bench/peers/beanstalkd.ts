import { findProgram } from "../run/places.ts";
import { freePort, ServerProcess } from "../run/server-process.ts";
import { type Peer, unlessThere } from "./peer.ts";

const PROGRAM = findProgram("beanstalkd");

export const BEANSTALKD: Peer = {
  name: "beanstalkd",
  title: "beanstalkd",
  durability: "-f0: synced before the reply",
  missing: () => unlessThere(PROGRAM, "beanstalkd"),
  start: async (directory) => {
    const port = await freePort();
    const args = ["-l", "127.0.0.1", "-p", String(port), "-b", directory, "-f0"];
    const server = new ServerProcess({ command: PROGRAM ?? "", args });
    await server.listensOn(port);
    return { server, port };
  },
};
