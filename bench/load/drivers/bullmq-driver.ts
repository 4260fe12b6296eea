import { setTimeout as pause } from "node:timers/promises";
import { BATCH, type Clients, type Driver, LABEL_BYTES, loadClient, type Place, padOf } from "../driver.ts";

/** What is used of BullMQ. */
interface Job {
  readonly data: { readonly body: string };
}
interface Queue {
  add(name: string, data: object, options: object): Promise<{ id?: string }>;
  obliterate(options: { force: boolean }): Promise<void>;
  close(): Promise<void>;
}
interface Worker {
  close(force?: boolean): Promise<void>;
  on(event: "error", listener: (error: Error) => void): unknown;
}
interface BullMq {
  readonly Queue: new (name: string, options: object) => Queue;
  readonly Worker: new (name: string, take: (job: Job) => Promise<void>, options: object) => Worker;
}

const LOOK_EVERY_MS = 5;

/** A queue a round. The publishers share its one connection, which sends their commands together: the fastest that it knows. */
export class BullmqDriver implements Driver {
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async begin(place: Place): Promise<Clients> {
    const { name, publishers, consumers } = place;
    const pad = padOf(place);
    const { Queue, Worker } = await loadClient<BullMq>("bullmq");
    const connection = { host: "127.0.0.1", port: this.#port };
    const queue = new Queue(name, { connection });
    const workers: Worker[] = [];
    return {
      publishers: Array.from({ length: publishers }, () => ({
        publish: async (label) => (await queue.add("message", { body: label + pad }, { removeOnComplete: true })).id,
      })),
      consumers: Array.from({ length: consumers }, () => ({
        async consume(taker) {
          const take = async (job: Job): Promise<void> => taker.received([job.data.body.slice(0, LABEL_BYTES)]);
          const worker = new Worker(name, take, { connection, concurrency: BATCH });
          worker.on("error", () => {});
          workers.push(worker);
          while (!taker.isDone) await pause(LOOK_EVERY_MS);
        },
      })),
      close: async () => {
        await Promise.all(workers.map((worker) => worker.close(true)));
        await queue.obliterate({ force: true });
        await queue.close();
      },
    };
  }
}
