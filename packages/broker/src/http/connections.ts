import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../runtime/clock.ts";
import { linger } from "./linger.ts";

/** One request and its answer on a connection. */
export interface Exchange {
  readonly request: IncomingMessage;
  /** Aborted with `HungUp` when the client hangs up before it had the whole answer (DEL-8). */
  readonly signal: AbortSignal;
  /** Set once the first byte of the answer may have left. */
  isAnswering: boolean;
}

/** Why an exchange ended without an answer. */
export class HungUp extends Error {
  override readonly name: string = "HungUp";
}

interface OpenExchange extends Exchange {
  hangUp(): void;
}

/** Who is on the line: which exchanges are open on which connection. Tells them when the client hangs up. */
export class Connections {
  readonly #clock: Clock;
  readonly #max: number;
  #count = 0;
  readonly #open = new Map<Socket, Set<OpenExchange>>();
  /** What is left to say on connections whose HTTP is broken; nothing that comes in counts there any more. */
  readonly #lastWords = new WeakMap<Socket, string>();
  readonly #onQuiet: (() => void)[] = [];

  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.#max = max;
  }

  /** Closes it where there are too many already. */
  accept(socket: Socket): void {
    if (this.#count >= this.#max) {
      socket.destroy();
      return;
    }
    this.#count += 1;
    socket.on("close", () => {
      this.#count -= 1;
      this.#hangUp(socket);
    });
    // DEL-8: half-closed has hung up. `node:http` ends it without an answer, but only after what it still has to write.
    socket.on("end", () => {
      if (this.#hangUp(socket) && !this.#lastWords.has(socket)) socket.destroy();
    });
  }

  begin(request: IncomingMessage): Exchange {
    const { socket } = request;
    const controller = new AbortController();
    const exchange: OpenExchange = {
      request,
      signal: controller.signal,
      isAnswering: false,
      hangUp: () => controller.abort(new HungUp()),
    };
    const open = this.#open.get(socket);
    if (open) open.add(exchange);
    else this.#open.set(socket, new Set([exchange]));
    if (socket.destroyed) exchange.hangUp();
    return exchange;
  }

  end(exchange: Exchange): void {
    const { socket } = exchange.request;
    const open = this.#open.get(socket);
    open?.delete(exchange as OpenExchange);
    if (open?.size !== 0) return;
    this.#open.delete(socket);
    const lastWord = this.#lastWords.get(socket);
    if (lastWord !== undefined) this.#say(lastWord, socket);
    if (this.#open.size === 0) for (const resolve of this.#onQuiet.splice(0)) resolve();
  }

  /**
   * Says a last word on a connection whose HTTP is broken, after the answers to what came whole before. False when that
   * was said already.
   */
  close(socket: Socket, lastWord: string): boolean {
    if (this.#lastWords.has(socket)) return false;
    this.#lastWords.set(socket, lastWord);
    const open = this.#open.get(socket);
    if (open === undefined) this.#say(lastWord, socket);
    for (const exchange of open ?? []) {
      if (exchange.request.complete) continue;
      exchange.hangUp();
      if (exchange.isAnswering) socket.destroy();
    }
    return true;
  }

  /** Resolves as soon as no exchange is open. */
  async quiet(): Promise<void> {
    if (this.#open.size > 0) await new Promise<void>((resolve) => this.#onQuiet.push(resolve));
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

  /** True when somebody was told. */
  #hangUp(socket: Socket): boolean {
    const open = this.#open.get(socket);
    for (const exchange of open ?? []) exchange.hangUp();
    return open !== undefined;
  }
}
