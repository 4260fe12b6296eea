import type { IncomingMessage } from "node:http";
import { rangeText } from "@stagemq/wire";
import { KIB } from "../domain/size.ts";
import { type Exchange, HungUp } from "./connections.ts";
import type { ReadBudget } from "./read-budget.ts";
import { Refusal } from "./refusal.ts";

/** What a body of undeclared length may have before it is reckoned with the largest there may be. */
const FIRST_RESERVATION = 64 * KIB;
const NOTHING = Buffer.alloc(0);

/** The body of one request: read whole once there is room for it, or thrown away (REQ-2, REQ-3). Never looks into it. */
export class RequestBody {
  readonly #request: IncomingMessage;
  readonly #maxBytes: number;
  readonly #budget: ReadBudget;
  readonly #exchange: Exchange;
  /** The Content-Length; 0 where there is no body, undefined where only its end will tell. */
  readonly #declared: number | undefined;
  #reserved = 0;
  #seen = 0;

  /** When the client hangs up, what waits for the body rejects with `HungUp`. */
  constructor(exchange: Exchange, maxBytes: number, budget: ReadBudget) {
    this.#request = exchange.request;
    this.#maxBytes = maxBytes;
    this.#budget = budget;
    this.#exchange = exchange;
    this.#declared = declaredLength(exchange.request);
  }

  /** Refuses what the headers already say is too much. */
  checkDeclaredLength(): void {
    if ((this.#declared ?? 0) > this.#maxBytes) throw this.#tooLarge();
  }

  /** Waits in the socket until there is room. Refuses more than the limit, which may leave a rest unread. */
  read(): Promise<Buffer> {
    const declared = this.#declared;
    if (declared === undefined) return this.#readUndeclared();
    if (this.#tryReserve(declared)) return this.#readDeclared(declared);
    return this.#reserve(declared).then(() => this.#readDeclared(declared));
  }

  /** Refuses more than the limit too, but needs no room. */
  async skip(): Promise<Buffer> {
    if (!(await this.drain(this.#maxBytes))) throw this.#tooLarge();
    return NOTHING;
  }

  /** Reads to the end and keeps nothing; false when there is more than `maxBytes` in all, and the rest is left unread. */
  async drain(maxBytes: number): Promise<boolean> {
    if (this.#declared === 0 || this.#request.readableEnded) return true;
    if ((this.#declared ?? 0) > maxBytes || this.#seen > maxBytes) return false;
    return this.#eachChunk(() => this.#seen <= maxBytes);
  }

  /** Gives back the room that was reserved. */
  release(): void {
    this.#keep(0);
  }

  async #readDeclared(length: number): Promise<Buffer> {
    if (length === 0) return NOTHING;
    let bytes: Buffer | undefined;
    let filled = 0;
    await this.#eachChunk((chunk) => {
      if (chunk.length === length) {
        bytes = chunk; // nearly always it comes in one piece
      } else {
        bytes ??= Buffer.allocUnsafe(length); // the HTTP parser lets exactly this much through before the end
        filled += chunk.copy(bytes, filled);
      }
      return true;
    });
    return bytes ?? NOTHING;
  }

  async #readUndeclared(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    await this.#reserve(FIRST_RESERVATION);
    const isWhole = await this.#eachChunk((chunk) => {
      if (this.#seen > this.#maxBytes) return false;
      chunks.push(chunk);
      return this.#seen <= this.#reserved || this.#reserveMost();
    });
    if (!isWhole) throw this.#tooLarge();
    this.#keep(Math.min(this.#seen, this.#reserved));
    return Buffer.concat(chunks, this.#seen);
  }

  /** In one go and holding nothing meanwhile: bodies that wait for more while they keep what they have lock each other out. */
  async #reserveMost(): Promise<true> {
    this.release();
    await this.#reserve(this.#maxBytes);
    return true;
  }

  #keep(bytes: number): void {
    this.#budget.release(this.#reserved - bytes);
    this.#reserved = bytes;
  }

  async #reserve(bytes: number): Promise<void> {
    await this.#budget.reserve(bytes, this.#exchange.signal);
    this.#reserved += bytes;
  }

  #tryReserve(bytes: number): boolean {
    if (!this.#budget.tryReserve(bytes)) return false;
    this.#reserved += bytes;
    return true;
  }

  /** Hands every chunk to `take` until the end (true), or until it wants no more (false). */
  #eachChunk(take: (chunk: Buffer) => boolean | Promise<true>): Promise<boolean> {
    const request = this.#request;
    const exchange = this.#exchange;
    return new Promise((resolve, reject) => {
      const leave = () => {
        request.off("data", onData).off("end", onEnd);
        exchange.onHangUp = undefined;
      };
      const onEnd = () => {
        exchange.onHangUp = undefined; // and nothing else comes of a request that has ended
        resolve(true);
      };
      const onHangUp = () => {
        leave();
        reject(new HungUp());
      };
      const onData = (chunk: Buffer) => {
        this.#seen += chunk.length;
        const more = take(chunk);
        if (more === true) return;
        request.pause();
        if (more === false) {
          leave();
          resolve(false);
          return;
        }
        more.then(
          () => request.resume(),
          (error: unknown) => {
            leave();
            reject(error);
          },
        );
      };
      if (exchange.hasHungUp) return onHangUp();
      exchange.onHangUp = onHangUp;
      request.on("end", onEnd).on("data", onData).resume();
    });
  }

  #tooLarge(): Refusal {
    return new Refusal("request-too-large", {
      text: rangeText("the request", 0, this.#maxBytes),
      hint: `a request may have ${this.#maxBytes} bytes, with its envelope and its body as escaped.`,
    });
  }
}

function declaredLength({ headers }: IncomingMessage): number | undefined {
  if (headers["transfer-encoding"] !== undefined) return undefined;
  return Number(headers["content-length"] ?? 0);
}
