import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { BATCH, type Clients, type Driver, LABEL_BYTES, type Place, padOf } from "../driver.ts";
import { type RespValue, readResp } from "./read-resp.ts";

const GROUP = "bench";
const WAIT_MS = 1_000;

type Entries = readonly (readonly [id: string, pair: readonly [field: string, body: string]])[];

/**
 * One stream a round and a consumer group; a connection for each client. On bare sockets, as the HTTP clients are: a client library
 * needs several times the processor time that Redis itself does, and would set the pace.
 */
export class RedisDriver implements Driver {
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async begin(place: Place): Promise<Clients> {
    const { name, publishers, consumers } = place;
    const pad = padOf(place);
    const open = () => RedisConnection.open(this.#port);
    const connections = await Promise.all(Array.from({ length: publishers + consumers + 1 }, open));
    const [first, ...others] = connections as [RedisConnection, ...RedisConnection[]];
    await first.ask("XGROUP", "CREATE", name, GROUP, "0", "MKSTREAM");
    return {
      publishers: others.slice(0, publishers).map((connection) => ({
        publish: async (label) => String(await connection.ask("XADD", name, "*", "body", label + pad)),
      })),
      consumers: others.slice(publishers).map((connection, index) => ({
        async consume(taker) {
          const group = ["GROUP", GROUP, `consumer-${index}`, "COUNT", String(BATCH), "BLOCK", String(WAIT_MS)];
          while (!taker.isDone) {
            const reply = await connection.ask("XREADGROUP", ...group, "STREAMS", name, ">");
            if (reply === null) continue;
            const [[, entries]] = reply as unknown as [[stream: string, Entries]];
            taker.received(entries.map(([, [, body]]) => body.slice(0, LABEL_BYTES)));
            await connection.ask("XACK", name, GROUP, ...entries.map(([id]) => id));
          }
        },
      })),
      close: async () => {
        await first.ask("DEL", name);
        for (const connection of connections) connection.close();
      },
    };
  }
}

/** One command after the other. */
class RedisConnection {
  readonly #socket: Socket;
  #received = "";
  #answer: (value: RespValue) => void = () => {};
  #fail: (error: Error) => void = () => {};

  static async open(port: number): Promise<RedisConnection> {
    const socket = connect(port, "127.0.0.1").setNoDelay(true).setEncoding("latin1");
    await once(socket, "connect");
    return new RedisConnection(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: string) => this.#read(chunk));
    socket.on("error", () => socket.destroy());
  }

  /** Words are ASCII. */
  ask(...words: readonly string[]): Promise<RespValue> {
    return new Promise((answer, fail) => {
      [this.#answer, this.#fail] = [answer, fail];
      let command = `*${words.length}\r\n`;
      for (const word of words) command += `$${word.length}\r\n${word}\r\n`;
      this.#socket.write(command, "latin1");
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: string): void {
    this.#received += chunk;
    const read = readResp(this.#received);
    if (read === undefined) return;
    this.#received = this.#received.slice(read.end);
    if (read.value instanceof Error) this.#fail(read.value);
    else this.#answer(read.value);
  }
}
