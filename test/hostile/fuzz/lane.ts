import { connect, type Socket } from "node:net";
import type { RawResponse } from "../../../packages/wire/test/readers/judge.ts";
import type { FuzzInput } from "./draw-input.ts";
import type { Pulse } from "./pulse.ts";
import { ResponseStream } from "./response-stream.ts";

/** One is under way, the next waits for the disk behind the answer, and one to be sure. After them the request was unfinished. */
const ANSWERED_WITHIN_BEATS = 3;
/** A broker that has all it will get and still neither answers nor hangs up hangs. */
const HANGS_AFTER_MS = 5_000;

/** What came back for an input. */
export interface Outcome {
  readonly responses: readonly RawResponse[];
  /** Absent where the broker behaved. */
  readonly wrong?: string;
}

/**
 * One client after another on one connection, as long as it lasts: after each input it asks something that only the broker's answer to
 * it can name, so that it knows when all before has been answered and that the connection is still usable.
 */
export class Lane {
  readonly #address: { readonly host: string; readonly port: number };
  readonly #pulse: Pulse;
  readonly #name: string;
  #line: Line | undefined;
  #asked = 0;

  constructor(endpoint: string, pulse: Pulse, name: string) {
    const { hostname, port } = new URL(endpoint);
    this.#address = { host: hostname, port: Number(port) };
    this.#pulse = pulse;
    this.#name = name;
  }

  async send({ pieces, afterwards }: FuzzInput): Promise<Outcome> {
    const line = this.#line?.isOpen ? this.#line : await Line.open(this.#address);
    this.#line = line;
    const collected = line.collect();
    for (const piece of pieces) {
      line.socket.write(piece);
      if (pieces.length > 1) await new Promise((resolve) => setImmediate(resolve));
    }
    if (afterwards === "reset") {
      line.socket.resetAndDestroy();
      this.#line = undefined;
      return { responses: collected.responses };
    }
    if (afterwards === "ask-on") {
      const host = `asked-${this.#name}-${this.#asked++}`;
      line.socket.write(`GET /still-there HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      const answered = await line.until(({ body }) => body.includes(`<HostId>http://${host}</HostId>`), this.#pulse);
      if (answered) return { responses: collected.responses.slice(0, -1), ...wrongOf(collected) };
    }
    const ended = await line.finish();
    this.#line = undefined;
    return { responses: collected.responses, ...(ended ? wrongOf(collected) : { wrong: "it hangs" }) };
  }

  close(): void {
    this.#line?.socket.destroy();
  }
}

interface Collected {
  readonly responses: RawResponse[];
  garbage?: string;
}

function wrongOf({ garbage }: Collected): { wrong?: string } {
  return garbage === undefined ? {} : { wrong: garbage };
}

/** A connection and what comes over it. */
class Line {
  readonly socket: Socket;
  isOpen = true;
  #collected: Collected = { responses: [] };
  readonly #stream = new ResponseStream();
  #wake: () => void = () => {};

  static async open(address: { readonly host: string; readonly port: number }): Promise<Line> {
    const socket = connect({ ...address, allowHalfOpen: true, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new Line(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => this.#hear(chunk));
    const end = () => {
      this.isOpen = false;
      this.#wake();
    };
    socket.on("end", end);
    socket.on("close", end);
  }

  /** From now on responses go here. */
  collect(): Collected {
    this.#collected = { responses: [] };
    return this.#collected;
  }

  /** True as soon as such a response came last; false when the connection ended or nothing came for a few beats. */
  async until(isLast: (response: RawResponse) => boolean, pulse: Pulse): Promise<boolean> {
    const onBeat = () => this.#wake();
    pulse.listen(onBeat);
    try {
      for (let heard = -1, quietSince = 0; ; await this.#turn()) {
        const last = this.#collected.responses.at(-1);
        if (last !== undefined && isLast(last)) return true;
        if (heard !== this.#collected.responses.length) quietSince = pulse.beats;
        heard = this.#collected.responses.length;
        const isQuiet = pulse.beats >= quietSince + ANSWERED_WITHIN_BEATS;
        if (!this.isOpen || this.#collected.garbage !== undefined || isQuiet) return false;
      }
    } finally {
      pulse.leave(onBeat);
    }
  }

  /** Sends no more; true once the broker has ended the connection too. */
  async finish(): Promise<boolean> {
    this.socket.end();
    const deadline = performance.now() + HANGS_AFTER_MS;
    while (this.isOpen && performance.now() < deadline) await this.#turn(deadline - performance.now());
    const ended = !this.isOpen;
    this.socket.destroy();
    return ended;
  }

  #hear(chunk: Buffer): void {
    try {
      this.#collected.responses.push(...this.#stream.push(chunk));
    } catch (error) {
      this.#collected.garbage = String(error);
    }
    this.#wake();
  }

  async #turn(atMostMs = HANGS_AFTER_MS): Promise<void> {
    await new Promise<void>((resolve) => {
      const alarm = setTimeout(resolve, atMostMs);
      this.#wake = () => {
        clearTimeout(alarm);
        resolve();
      };
    });
  }
}
