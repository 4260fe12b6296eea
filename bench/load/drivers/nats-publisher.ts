import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Publisher } from "../driver.ts";

const CONNECT = { verbose: false, pedantic: false, lang: "bench", version: "1", protocol: 1, echo: false };

/**
 * Publishes to a stream of JetStream on a bare socket, and waits for its acknowledgement: the library for Node needs more of the
 * processor than the server itself, and would set the pace.
 */
export class NatsPublisher implements Publisher {
  readonly #socket: Socket;
  readonly #subject: string;
  readonly #pad: string;
  readonly #inbox: string;
  #received = "";
  #answer: (sequence: string) => void = () => {};
  #fail: (error: Error) => void = () => {};

  static async open(
    port: number,
    subject: string,
    { pad, index }: { pad: string; index: number },
  ): Promise<NatsPublisher> {
    const socket = connect(port, "127.0.0.1").setNoDelay(true).setEncoding("latin1");
    // It begins with a line about itself.
    await once(socket, "data");
    return new NatsPublisher(socket, subject, { pad, inbox: `_INBOX.${subject}.${index}` });
  }

  private constructor(socket: Socket, subject: string, { pad, inbox }: { pad: string; inbox: string }) {
    [this.#socket, this.#subject, this.#pad, this.#inbox] = [socket, subject, pad, inbox];
    socket.on("data", (chunk: string) => this.#read(chunk));
    socket.on("error", () => socket.destroy());
    socket.write(`CONNECT ${JSON.stringify(CONNECT)}\r\nSUB ${inbox} 1\r\n`);
  }

  publish(label: string): Promise<string> {
    return new Promise((answer, fail) => {
      [this.#answer, this.#fail] = [answer, fail];
      const body = label + this.#pad;
      this.#socket.write(`PUB ${this.#subject} ${this.#inbox} ${body.length}\r\n${body}\r\n`, "latin1");
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  /** `MSG inbox 1 BYTES` and the acknowledgement in JSON, now and then a PING. */
  #read(chunk: string): void {
    this.#received += chunk;
    for (;;) {
      const lineEnd = this.#received.indexOf("\r\n");
      if (lineEnd < 0) return;
      const line = this.#received.slice(0, lineEnd);
      const start = lineEnd + 2;
      if (!line.startsWith("MSG ")) {
        this.#received = this.#received.slice(start);
        if (line === "PING") this.#socket.write("PONG\r\n");
        else if (line.startsWith("-ERR")) this.#fail(new Error(line));
        continue;
      }
      const end = start + Number(line.slice(line.lastIndexOf(" ") + 1)) + 2;
      if (this.#received.length < end) return;
      const acknowledgement = this.#received.slice(start, end);
      this.#received = this.#received.slice(end);
      const [, sequence] = /"seq": ?(\d+)/.exec(acknowledgement) ?? [];
      if (sequence === undefined) this.#fail(new Error(acknowledgement));
      else this.#answer(sequence);
    }
  }
}
