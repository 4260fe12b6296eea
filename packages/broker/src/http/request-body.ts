import type { IncomingMessage } from "node:http";
import { rangeText } from "@stagemq/wire";
import { KIB } from "../domain/size.ts";
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
  readonly #signal: AbortSignal;
  /** The Content-Length; 0 where there is no body, undefined where only its end will tell. */
  readonly #declared: number | undefined;
  #reserved = 0;
  #seen = 0;

  /** `signal` is aborted when the client hangs up; then `read` and `discard` reject with its reason. */
  constructor(request: IncomingMessage, maxBytes: number, budget: ReadBudget, signal: AbortSignal) {
    this.#request = request;
    this.#maxBytes = maxBytes;
    this.#budget = budget;
    this.#signal = signal;
    this.#declared = declaredLength(request);
  }

  /** Refuses what the headers already say is too much. */
  checkDeclaredLength(): void {
    if ((this.#declared ?? 0) > this.#maxBytes) throw this.#tooLarge();
  }

  /** Waits in the socket until there is room. Refuses more than the limit, which may leave a rest unread. */
  async read(): Promise<Buffer> {
    if (this.#declared === 0) return NOTHING;
    return this.#declared === undefined ? this.#readUndeclared() : this.#readDeclared(this.#declared);
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
    await this.#reserve(length);
    const bytes = Buffer.allocUnsafe(length); // the HTTP parser lets exactly this much through before the end
    let filled = 0;
    await this.#eachChunk((chunk) => {
      filled += chunk.copy(bytes, filled);
      return true;
    });
    return bytes;
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
    await this.#budget.reserve(bytes, this.#signal);
    this.#reserved += bytes;
  }

  /** Hands every chunk to `take` until the end (true), or until it wants no more (false). */
  #eachChunk(take: (chunk: Buffer) => boolean | Promise<true>): Promise<boolean> {
    const request = this.#request;
    const signal = this.#signal;
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void) => {
        request.off("data", onData).off("end", onEnd);
        signal.removeEventListener("abort", onAbort);
        outcome();
      };
      const onEnd = () => settle(() => resolve(true));
      const onAbort = () => settle(() => reject(signal.reason));
      const onData = (chunk: Buffer) => {
        this.#seen += chunk.length;
        const more = take(chunk);
        if (more === true) return;
        request.pause();
        if (more === false) return settle(() => resolve(false));
        more.then(
          () => request.resume(),
          (error: unknown) => settle(() => reject(error)),
        );
      };
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
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
