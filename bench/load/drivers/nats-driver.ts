import { BATCH, type Clients, type Consumer, type Driver, labelOf, loadClient, type Place, padOf } from "../driver.ts";
import { NatsPublisher } from "./nats-publisher.ts";

/** What is used of nats. */
interface JsMessage {
  readonly data: Uint8Array;
  ack(): void;
}
interface ConsumerMessages extends AsyncIterable<JsMessage> {
  close(): Promise<unknown>;
}
interface JetStream {
  readonly consumers: {
    get(stream: string, consumer: string): Promise<{ consume(options: object): Promise<ConsumerMessages> }>;
  };
}
interface Connection {
  jetstream(): JetStream;
  jetstreamManager(): Promise<{
    readonly streams: { add(options: object): Promise<unknown>; delete(stream: string): Promise<unknown> };
    readonly consumers: { add(stream: string, options: object): Promise<unknown> };
  }>;
  close(): Promise<void>;
}
interface Nats {
  connect(options: { servers: string }): Promise<Connection>;
}

/** What a consumer asks for ahead. */
const PULLED = 8 * BATCH;
const GROUP = "bench";
const LOOK_EVERY_MS = 5;

/** A stream in files a round, one durable pull consumer that all clients share; each message is acknowledged by itself. */
export class NatsDriver implements Driver {
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async begin(place: Place): Promise<Clients> {
    const { name, publishers, consumers } = place;
    const pad = padOf(place);
    const { connect } = await loadClient<Nats>("nats");
    const open = () => connect({ servers: `127.0.0.1:${this.#port}` });
    const connections = await Promise.all(Array.from({ length: consumers + 1 }, open));
    const [first, ...others] = connections as [Connection, ...Connection[]];
    const manager = await first.jetstreamManager();
    await manager.streams.add({ name, subjects: [name], storage: "file" });
    const limits = { max_ack_pending: 100_000 };
    await manager.consumers.add(name, { durable_name: GROUP, ack_policy: "explicit", ...limits });
    const publishing = await Promise.all(
      Array.from({ length: publishers }, (_, index) => NatsPublisher.open(this.#port, name, { pad, index })),
    );
    return {
      publishers: publishing,
      consumers: others.map((connection) => consumerOn(connection, name)),
      close: async () => {
        for (const publisher of publishing) publisher.close();
        await manager.streams.delete(name);
        await Promise.all(connections.map((connection) => connection.close()));
      },
    };
  }
}

function consumerOn(connection: Connection, stream: string): Consumer {
  return {
    async consume(taker) {
      const consumer = await connection.jetstream().consumers.get(stream, GROUP);
      const messages = await consumer.consume({ max_messages: PULLED });
      const watch = setInterval(() => {
        if (taker.isDone) messages.close().catch(() => {});
      }, LOOK_EVERY_MS);
      for await (const message of messages) {
        taker.received([labelOf(message.data)]);
        message.ack();
        if (taker.isDone) break;
      }
      clearInterval(watch);
    },
  };
}
