import type { PeerName } from "../peers/peer.ts";
import type { Driver } from "./driver.ts";
import { BeanstalkdDriver } from "./drivers/beanstalkd-driver.ts";
import { BullmqDriver } from "./drivers/bullmq-driver.ts";
import { HttpDriver } from "./drivers/http-driver.ts";
import { NatsDriver } from "./drivers/nats-driver.ts";
import { PostgresqlDriver } from "./drivers/postgresql-driver.ts";
import { RabbitmqDriver } from "./drivers/rabbitmq-driver.ts";
import { RedisDriver } from "./drivers/redis-driver.ts";
import { openTasks, type Tasks } from "./tasks.ts";

/**
 * A process of clients for one server: `main.ts PEER PORT`. Does what its parent sends it, one task at a time, and sends back what
 * came of it. Each peer has one of its own, so that no client is slowed by what another has taught the compiler.
 */
const DRIVERS: Readonly<Record<PeerName, new (port: number) => Driver>> = {
  stagemq: HttpDriver,
  "node-http": HttpDriver,
  redis: RedisDriver,
  rabbitmq: RabbitmqDriver,
  nats: NatsDriver,
  postgresql: PostgresqlDriver,
  beanstalkd: BeanstalkdDriver,
  bullmq: BullmqDriver,
};

const [name = "", portText = ""] = process.argv.slice(2);
const port = Number(portText);
const tasks = openTasks(new DRIVERS[name as PeerName](port), port);

/** As `LoadProcess` sends it. */
interface Asked {
  readonly task: keyof Tasks;
  readonly words: never;
}

process.on("message", ({ task, words }: Asked) => {
  tasks[task](words).then(
    (result) => process.send?.({ result }),
    (error: unknown) =>
      process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));
process.send?.({ result: "ready" });
