import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { BATCH, type Clients, type Driver, LABEL_BYTES, type Place, padOf } from "../driver.ts";

const WAIT_SECONDS = 1;

/** A tube a round. It knows no batches: sixteen commands are sent at once instead. */
export class BeanstalkdDriver implements Driver {
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async begin(place: Place): Promise<Clients> {
    const { name, publishers, consumers } = place;
    const pad = padOf(place);
    const put = `put 0 0 300 ${place.bodyBytes}\r\n`;
    const open = () => BeanstalkdConnection.open(this.#port);
    const connections = await Promise.all(Array.from({ length: publishers + consumers }, open));
    const [publishing, consuming] = [connections.slice(0, publishers), connections.slice(publishers)];
    await Promise.all(publishing.map((connection) => connection.ask([`use ${name}\r\n`])));
    await Promise.all(consuming.map((connection) => connection.ask([`watch ${name}\r\n`, "ignore default\r\n"])));
    return {
      publishers: publishing.map((connection) => ({
        publish: async (label) => {
          const [reply = ""] = await connection.ask([`${put}${label}${pad}\r\n`]);
          if (!reply.startsWith("INSERTED")) throw new Error(`answered ${reply}`);
          return reply.slice("INSERTED ".length);
        },
      })),
      consumers: consuming.map((connection) => ({
        async consume(taker) {
          while (!taker.isDone) {
            // The first waits, the others take what is there.
            const first = await connection.ask([`reserve-with-timeout ${WAIT_SECONDS}\r\n`]);
            if (!first[0]?.startsWith("RESERVED")) continue;
            const more = await connection.ask(Array.from({ length: BATCH - 1 }, () => "reserve-with-timeout 0\r\n"));
            const jobs = [...first, ...more].filter((reply) => reply.startsWith("RESERVED"));
            taker.received(jobs.map((job) => job.slice(job.indexOf("\n") + 1).slice(0, LABEL_BYTES)));
            await connection.ask(jobs.map((job) => `delete ${job.split(" ", 2)[1]}\r\n`));
          }
        },
      })),
      close: async () => {
        for (const connection of connections) connection.close();
      },
    };
  }
}

/** Its protocol: a line, and after RESERVED the body. */
class BeanstalkdConnection {
  readonly #socket: Socket;
  #received = "";
  #wanted = 0;
  #replies: string[] = [];
  #answer: (replies: string[]) => void = () => {};

  static async open(port: number): Promise<BeanstalkdConnection> {
    const socket = connect(port, "127.0.0.1").setNoDelay(true).setEncoding("latin1");
    await once(socket, "connect");
    return new BeanstalkdConnection(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: string) => this.#read(chunk));
    socket.on("error", () => socket.destroy());
  }

  /** The replies to commands that are sent in one go. */
  ask(commands: readonly string[]): Promise<string[]> {
    return new Promise((answer) => {
      [this.#wanted, this.#replies, this.#answer] = [commands.length, [], answer];
      this.#socket.write(commands.join(""), "latin1");
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: string): void {
    this.#received += chunk;
    for (let end = this.#replyEnd(); end > 0; end = this.#replyEnd()) {
      this.#replies.push(this.#received.slice(0, end - 2));
      this.#received = this.#received.slice(end);
    }
    if (this.#replies.length < this.#wanted) return;
    this.#wanted = Number.POSITIVE_INFINITY;
    this.#answer(this.#replies);
  }

  #replyEnd(): number {
    const lineEnd = this.#received.indexOf("\r\n") + 2;
    if (lineEnd < 2 || !this.#received.startsWith("RESERVED")) return lineEnd < 2 ? 0 : lineEnd;
    const [, , bytes] = this.#received.slice(0, lineEnd - 2).split(" ");
    const end = lineEnd + Number(bytes) + 2;
    return this.#received.length < end ? 0 : end;
  }
}
