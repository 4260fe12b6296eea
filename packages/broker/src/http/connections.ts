import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../runtime/clock.ts";
import { linger } from "./linger.ts";

/** One request and its answer on a connection. */
export interface Exchange {
  readonly request: IncomingMessage;
  /** The client has hung up before it had the whole answer (DEL-8). */
  readonly hasHungUp: boolean;
  /** Aborted with `HungUp` when it does. Made when somebody asks for it: most requests are answered before anybody does. */
  readonly signal: AbortSignal;
  /** Called when it does. One at a time: whoever waits for something on this connection just now. */
  onHangUp: (() => void) | undefined;
  /** Set once the first byte of the answer may have left. */
  isAnswering: boolean;
}

/** Why an exchange ended without an answer. */
export class HungUp extends Error {
  override readonly name: string = "HungUp";
}

class OpenExchange implements Exchange {
  readonly request: IncomingMessage;
  readonly line: Line;
  hasHungUp = false;
  isAnswering = false;
  onHangUp: (() => void) | undefined;
  #controller: AbortController | undefined;

  constructor(request: IncomingMessage, line: Line) {
    this.request = request;
    this.line = line;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.hasHungUp) this.#controller.abort(new HungUp());
    return this.#controller.signal;
  }

  hangUp(): void {
    if (this.hasHungUp) return;
    this.hasHungUp = true;
    this.#controller?.abort(new HungUp());
    this.onHangUp?.();
  }
}

/** A connection. */
interface Line {
  /** In order; more than one where a client sends requests before it has its answers. */
  readonly open: OpenExchange[];
  /** What is left to say, once its HTTP is broken; nothing that comes in counts there any more. */
  lastWord: string | undefined;
}

/** Who is on the line: which exchanges are open on which connection. Tells them when the client hangs up. */
export class Connections {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #lines = new Map<Socket, Line>();
  #openCount = 0;
  readonly #onQuiet: (() => void)[] = [];

  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.#max = max;
  }

  /** Closes it where there are too many already. */
  accept(socket: Socket): void {
    if (this.#lines.size >= this.#max) {
      socket.destroy();
      return;
    }
    const line: Line = { open: [], lastWord: undefined };
    this.#lines.set(socket, line);
    socket.on("close", () => {
      this.#lines.delete(socket);
      hangUp(line);
    });
    // DEL-8: half-closed has hung up. `node:http` ends it without an answer, but only after what it still has to write.
    socket.on("end", () => {
      if (hangUp(line) && line.lastWord === undefined) socket.destroy();
    });
  }

  begin(request: IncomingMessage): Exchange {
    const { socket } = request;
    const line = this.#lines.get(socket) ?? { open: [], lastWord: undefined };
    const exchange = new OpenExchange(request, line);
    line.open.push(exchange);
    this.#openCount += 1;
    if (socket.destroyed) exchange.hangUp();
    return exchange;
  }

  end(exchange: Exchange): void {
    const { line, request } = exchange as OpenExchange;
    line.open.splice(line.open.indexOf(exchange as OpenExchange), 1);
    this.#openCount -= 1;
    if (line.open.length === 0 && line.lastWord !== undefined) this.#say(line.lastWord, request.socket);
    if (this.#openCount === 0) for (const resolve of this.#onQuiet.splice(0)) resolve();
  }

  /**
   * Says a last word on a connection whose HTTP is broken, after the answers to what came whole before. False when that
   * was said already.
   */
  close(socket: Socket, lastWord: string): boolean {
    const line = this.#lines.get(socket);
    if (line === undefined || line.lastWord !== undefined) return false;
    line.lastWord = lastWord;
    if (line.open.length === 0) this.#say(lastWord, socket);
    for (const exchange of [...line.open]) {
      if (exchange.request.complete) continue;
      exchange.hangUp();
      if (exchange.isAnswering) socket.destroy();
    }
    return true;
  }

  /** Resolves as soon as no exchange is open. */
  async quiet(): Promise<void> {
    if (this.#openCount > 0) await new Promise<void>((resolve) => this.#onQuiet.push(resolve));
  }

  #say(lastWord: string, socket: Socket): void {
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    const alarm = linger(this.#clock, () => socket.destroy());
    socket.once("close", () => alarm.cancel());
    socket.end(lastWord);
  }
}

/** True when somebody was told. */
function hangUp({ open }: Line): boolean {
  for (const exchange of [...open]) exchange.hangUp();
  return open.length > 0;
}
