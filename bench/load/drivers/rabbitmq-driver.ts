import { setTimeout as pause } from "node:timers/promises";
import {
  BATCH,
  type Clients,
  type Consumer,
  type Driver,
  labelOf,
  loadClient,
  type Place,
  type Publisher,
  padOf,
  type Taker,
} from "../driver.ts";

/** What is used of amqplib. */
interface Delivery {
  readonly content: Buffer;
}
interface Channel {
  assertQueue(queue: string, options: object): Promise<unknown>;
  deleteQueue(queue: string): Promise<unknown>;
  prefetch(count: number): Promise<unknown>;
  publish(exchange: string, key: string, body: Buffer, options: object, confirmed: (error: unknown) => void): boolean;
  consume(queue: string, take: (delivery: Delivery | null) => void): Promise<{ consumerTag: string }>;
  cancel(consumerTag: string): Promise<unknown>;
  ack(delivery: Delivery, upTo: boolean): void;
}
interface Connection {
  createChannel(): Promise<Channel>;
  createConfirmChannel(): Promise<Channel>;
  close(): Promise<void>;
}
interface Amqplib {
  connect(url: string): Promise<Connection>;
}

/** Deliveries that wait at the client while it acknowledges the batch before. */
const PREFETCH = 2 * BATCH;
const LOOK_EVERY_MS = 5;

/** A quorum queue a round; a connection and a channel for each client, publisher confirms, an acknowledgement for each batch. */
export class RabbitmqDriver implements Driver {
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async begin(place: Place): Promise<Clients> {
    const { name, publishers, consumers } = place;
    const pad = padOf(place);
    const { connect } = await loadClient<Amqplib>("amqplib");
    const connections: Connection[] = [];
    while (connections.length < publishers + consumers + 1)
      connections.push(await connect(`amqp://guest:guest@127.0.0.1:${this.#port}`));
    const [first, ...others] = connections as [Connection, ...Connection[]];
    const owner = await first.createChannel();
    await owner.assertQueue(name, { durable: true, arguments: { "x-queue-type": "quorum" } });
    const publishing = await Promise.all(others.slice(0, publishers).map((each) => each.createConfirmChannel()));
    const consuming = await Promise.all(others.slice(publishers).map((each) => each.createChannel()));
    const ended: Promise<void>[] = [];
    return {
      publishers: publishing.map((channel) => publisherOn(channel, name, pad)),
      consumers: consuming.map((channel) => consumerOn(channel, name, ended)),
      close: async () => {
        // A queue that goes while a consumer is being cancelled confuses amqplib.
        await Promise.all(ended);
        await owner.deleteQueue(name);
        await Promise.all(connections.map((connection) => connection.close()));
      },
    };
  }
}

function publisherOn(channel: Channel, queue: string, pad: string): Publisher {
  return {
    publish: (label) =>
      new Promise((resolve, reject) => {
        channel.publish("", queue, Buffer.from(label + pad), { persistent: true }, (error) =>
          error ? reject(error) : resolve(undefined),
        );
      }),
  };
}

function consumerOn(channel: Channel, queue: string, ended: Promise<void>[]): Consumer {
  return {
    consume(taker) {
      const consuming = consume(channel, queue, taker);
      ended.push(consuming);
      return consuming;
    },
  };
}

async function consume(channel: Channel, queue: string, taker: Taker): Promise<void> {
  await channel.prefetch(PREFETCH);
  let batch: Delivery[] = [];
  const acknowledge = (): void => {
    const last = batch.at(-1);
    if (last === undefined) return;
    taker.received(batch.map(({ content }) => labelOf(content)));
    channel.ack(last, true);
    batch = [];
  };
  const { consumerTag } = await channel.consume(queue, (delivery) => {
    if (delivery === null) return;
    // A batch is what has come in one go, as with the others.
    if (batch.length === 0) setImmediate(acknowledge);
    batch.push(delivery);
    if (batch.length === BATCH) acknowledge();
  });
  while (!taker.isDone) await pause(LOOK_EVERY_MS);
  await channel.cancel(consumerTag);
}
