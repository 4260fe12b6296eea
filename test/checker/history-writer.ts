import { appendFileSync, closeSync, openSync } from "node:fs";
import type { FaultRequest, HistoryEvent, Requests, Results, Settings, Verb } from "./history.ts";

export interface Instant {
  readonly t: number;
  readonly wall: number;
}

export interface WriterOptions {
  /** Where the lines go; absent: nowhere. */
  readonly file?: string;
  /** Keep them in `events` too (default). */
  readonly keep?: boolean;
  readonly clock?: () => Instant;
}

/** A request under way. It ends once. */
export interface Pending<F extends Verb> {
  ok(res: Results[F]): void;
  /** Refused, and nothing was done. */
  fail(why: string): void;
  /** Nobody knows. */
  info(why: string): void;
}

/** Writes down what clients do, in the order in which they do it. */
export class HistoryWriter {
  readonly events: HistoryEvent[] = [];
  readonly #file: number | undefined;
  readonly #keeps: boolean;
  readonly #clock: () => Instant;
  #lines: string[] = [];

  constructor({ file, keep = true, clock = systemClock }: WriterOptions = {}) {
    this.#file = file === undefined ? undefined : openSync(file, "a", 0o600);
    this.#keeps = keep;
    this.#clock = clock;
  }

  /** To be called before anything else is written. */
  settings(settings: Settings): void {
    this.invoke("history", "admin", { kind: "settings", settings }).ok({});
  }

  invoke<F extends Verb>(p: string, f: F, req: Requests[F]): Pending<F> {
    this.#write({ p, f, type: "invoke", ...this.#clock(), req } as HistoryEvent);
    const end = (type: "ok" | "fail" | "info", res: unknown): void =>
      this.#write({ p, f, type, ...this.#clock(), res } as HistoryEvent);
    return {
      ok: (res) => end("ok", res),
      fail: (why) => end("fail", { why }),
      info: (why) => end("info", { why }),
    };
  }

  /** A fault that lasts as long as `during`. */
  async fault<T>(request: FaultRequest, during: () => Promise<T>): Promise<T> {
    const pending = this.invoke(`fault ${request.kind}`, "fault", request);
    try {
      const result = await during();
      pending.ok({});
      return result;
    } catch (error) {
      pending.info(String(error));
      throw error;
    }
  }

  flush(): void {
    if (this.#file !== undefined && this.#lines.length > 0) appendFileSync(this.#file, this.#lines.join(""));
    this.#lines = [];
  }

  close(): void {
    this.flush();
    if (this.#file !== undefined) closeSync(this.#file);
  }

  #write(event: HistoryEvent): void {
    if (this.#keeps) this.events.push(event);
    if (this.#file === undefined) return;
    this.#lines.push(`${JSON.stringify(event)}\n`);
    if (this.#lines.length >= 500) this.flush();
  }
}

/** Both clocks at one instant: read again if something came in between. */
function systemClock(): Instant {
  for (let attempt = 1; ; attempt++) {
    const before = process.hrtime.bigint();
    const wall = Date.now();
    const after = process.hrtime.bigint();
    if (after - before < 500_000n || attempt === 5) return { t: Number(after), wall };
  }
}
