import type { Socket } from "node:net";
import { SECOND } from "../domain/time.ts";
import type { Clock } from "../runtime/clock.ts";

/** One request and its answer on a connection. */
export interface Exchange {
  readonly socket: Socket;
  /** Aborted when the client hangs up before it had the whole answer (DEL-8). */
  readonly signal: AbortSignal;
  /** Set once the first byte of the answer may have left. */
  isAnswering: boolean;
}

/** Why an exchange ended without an answer. */
export class HungUp extends Error {
  override readonly name = "HungUp";
}

/** So long a client may take to read a last word while it is still sending. */
const LINGER_FOR = 2 * SECOND;

interface OpenExchange extends Exchange {
  readonly hangUp: () => void;
}

/** Who is on the line: which exchanges are open on which connection. Tells them when the client hangs up. */
export class Connections {
  readonly #clock: Clock;
  readonly #open = new Map<Socket, Set<OpenExchange>>();
  /** Connections on which the last word is being said: nothing that comes in counts any more. */
  readonly #closing = new WeakSet<Socket>();
  #count = 0;
  readonly #onQuiet: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  accept(socket: Socket): void {
    socket.on("close", () => this.#hangUp(socket));
    // D6: half-closed has hung up. `node:http` ends it without an answer, but only after what it still has to write.
    socket.on("end", () => {
      if (this.#hangUp(socket) && !this.#closing.has(socket)) socket.destroy();
    });
  }

  begin(socket: Socket): Exchange {
    const controller = new AbortController();
    const exchange: OpenExchange = {
      socket,
      signal: controller.signal,
      isAnswering: false,
      hangUp: () => controller.abort(new HungUp()),
    };
    const open = this.#open.get(socket);
    if (open) open.add(exchange);
    else this.#open.set(socket, new Set([exchange]));
    this.#count++;
    if (socket.destroyed) exchange.hangUp();
    return exchange;
  }

  end(exchange: Exchange): void {
    const open = this.#open.get(exchange.socket);
    if (!open?.delete(exchange as OpenExchange)) return;
    if (open.size === 0) this.#open.delete(exchange.socket);
    this.#count--;
    if (this.#count === 0) for (const resolve of this.#onQuiet.splice(0)) resolve();
  }

  /** Says a last word on a connection whose HTTP is broken, instead of whatever it still waits for. True the first time. */
  close(socket: Socket, lastWord: string): boolean {
    if (this.#closing.has(socket)) return false;
    this.#closing.add(socket);
    const isAnswering = [...(this.#open.get(socket) ?? [])].some((exchange) => exchange.isAnswering);
    this.#hangUp(socket);
    if (isAnswering || !socket.writable) {
      socket.destroy();
      return true;
    }
    // Not destroyed at once: with bytes unread that would be a reset, which may overtake the last word.
    const alarm = this.#clock.alarm(this.#clock.now() + LINGER_FOR, () => socket.destroy());
    socket.once("close", () => alarm.cancel());
    socket.end(lastWord);
    return true;
  }

  /** Resolves as soon as no exchange is open. */
  async quiet(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#onQuiet.push(resolve));
  }

  /** True when somebody was told. */
  #hangUp(socket: Socket): boolean {
    const open = this.#open.get(socket);
    for (const exchange of open ?? []) exchange.hangUp();
    return open !== undefined;
  }
}
