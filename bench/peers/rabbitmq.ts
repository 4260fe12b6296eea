import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findProgram, findVersioned } from "../run/places.ts";
import { freePort, ServerProcess } from "../run/server-process.ts";
import { type Peer, unlessThere } from "./peer.ts";

// The wrapper in the PATH changes to the user of the system's service; this is what it calls.
const PROGRAM = findVersioned("/usr/lib/rabbitmq/lib", /^rabbitmq_server-/, "sbin/rabbitmq-server");
const EPMD = findProgram("epmd");

export const RABBITMQ: Peer = {
  name: "rabbitmq",
  title: "RabbitMQ quorum queue",
  durability: "one node, synced before the confirm",
  missing: () => unlessThere(PROGRAM, "RabbitMQ") ?? unlessThere(EPMD, "epmd of Erlang"),
  start: async (directory) => {
    const [port, distribution, epmdPort] = [await freePort(), await freePort(), await freePort()];
    // Erlang would start one that outlives the suite.
    const environment = { ERL_EPMD_PORT: String(epmdPort), ERL_EPMD_ADDRESS: "127.0.0.1" };
    const epmd = new ServerProcess({ command: EPMD ?? "", args: ["-port", String(epmdPort)], environment });
    await epmd.listensOn(epmdPort);
    const plugins = join(directory, "enabled_plugins");
    await writeFile(plugins, "[].");
    const server = new ServerProcess({
      command: PROGRAM ?? "",
      args: [],
      environment: {
        ...environment,
        HOME: directory,
        RABBITMQ_NODENAME: `bench-${port}@localhost`,
        RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
        RABBITMQ_NODE_PORT: String(port),
        RABBITMQ_DIST_PORT: String(distribution),
        RABBITMQ_MNESIA_BASE: join(directory, "mnesia"),
        RABBITMQ_LOG_BASE: directory,
        RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
        RABBITMQ_CONFIG_FILE: join(directory, "none"),
        RABBITMQ_CONF_ENV_FILE: join(directory, "none.conf"),
        RABBITMQ_PID_FILE: join(directory, "pid"),
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
        // The shell that starts it becomes it: what is ended by its id is the broker.
        RABBITMQ_ALLOW_INPUT: "1",
      },
    });
    await server.listensOn(port);
    return { server, port, helpers: [epmd] };
  },
};
