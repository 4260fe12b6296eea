import { BATCH, type Clients, type Driver, LABEL_BYTES, loadClient, type Place, padOf } from "../driver.ts";

/** What is used of ioredis. */
interface RedisClient {
  xadd(key: string, ...words: string[]): Promise<string>;
  xgroup(...words: string[]): Promise<unknown>;
  xreadgroup(...words: (string | number)[]): Promise<[string, [id: string, pair: [string, string]][]][] | null>;
  xack(key: string, group: string, ...ids: string[]): Promise<number>;
  del(key: string): Promise<number>;
  disconnect(): void;
}
interface Ioredis {
  readonly Redis: new (port: number, host: string) => RedisClient;
}

const GROUP = "bench";
const WAIT_MS = 1_000;

/** One stream a round and a consumer group; a connection for each client. */
export class RedisDriver implements Driver {
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async begin(place: Place): Promise<Clients> {
    const { name, publishers, consumers } = place;
    const pad = padOf(place);
    const { Redis } = await loadClient<Ioredis>("ioredis");
    const clients = Array.from({ length: publishers + consumers + 1 }, () => new Redis(this.#port, "127.0.0.1"));
    const [first, ...others] = clients as [RedisClient, ...RedisClient[]];
    await first.xgroup("CREATE", name, GROUP, "0", "MKSTREAM");
    return {
      publishers: others
        .slice(0, publishers)
        .map((client) => ({ publish: (label) => client.xadd(name, "*", "body", label + pad) })),
      consumers: others.slice(publishers).map((client, index) => ({
        async consume(taker) {
          const words = ["GROUP", GROUP, `consumer-${index}`, "COUNT", BATCH, "BLOCK", WAIT_MS, "STREAMS", name, ">"];
          while (!taker.isDone) {
            const [[, entries] = []] = (await client.xreadgroup(...words)) ?? [];
            if (entries === undefined) continue;
            taker.received(entries.map(([, [, body]]) => body.slice(0, LABEL_BYTES)));
            await client.xack(name, GROUP, ...entries.map(([id]) => id));
          }
        },
      })),
      close: async () => {
        await first.del(name);
        for (const client of clients) client.disconnect();
      },
    };
  }
}
