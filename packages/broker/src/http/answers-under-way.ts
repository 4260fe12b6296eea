import type { ServerResponse } from "node:http";
import { type DurationMs, type EpochMs, SECOND } from "../domain/time.ts";
import type { Alarm, Clock } from "../runtime/clock.ts";

interface UnderWay {
  readonly bytes: number;
  /** When its client last took some of it. */
  readonly takenAt: EpochMs;
}

/** So little always has room. */
const FREE_BYTES = 64 * 1_024;
/** Of which nothing was taken for so long, an answer makes way for another. */
const MAKES_WAY_AFTER = 5 * SECOND;

/**
 * The answers of which not all was taken yet: the memory that they share, and who does not read (REQ-2).
 *
 * Nothing waits for room here: an answer takes its memory by being there, and the invisible times of its deliveries run.
 * Those who have stopped reading make way; where that does not suffice, the new answer must go.
 */
export class AnswersUnderWay {
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #timeout: DurationMs;
  /** Of which something was taken longest ago comes first. */
  readonly #answers = new Map<ServerResponse, UnderWay>();
  #bytes = 0;
  #alarm: Alarm | undefined;

  /** `maxBytes` is for all; who takes nothing of an answer for `timeout` is cut off. */
  constructor(clock: Clock, limits: { readonly maxBytes: number; readonly timeout: DurationMs }) {
    this.#clock = clock;
    this.#maxBytes = limits.maxBytes;
    this.#timeout = limits.timeout;
  }

  /** False where there is no room for an answer so large; then it must not be kept. */
  begin(response: ServerResponse, bytes: number): boolean {
    if (bytes > FREE_BYTES && !this.#makeRoomFor(bytes)) return false;
    this.#bytes += bytes;
    this.#answers.set(response, { bytes, takenAt: this.#clock.now() });
    this.#watch();
    return true;
  }

  /** Some of it was taken. */
  taken(response: ServerResponse): void {
    const answer = this.#answers.get(response);
    if (answer === undefined) return;
    this.#answers.delete(response);
    this.#answers.set(response, { ...answer, takenAt: this.#clock.now() });
  }

  /** Safe to call for one that never began. */
  end(response: ServerResponse): void {
    this.#bytes -= this.#answers.get(response)?.bytes ?? 0;
    this.#answers.delete(response);
    if (this.#answers.size > 0) return;
    this.#alarm?.cancel();
    this.#alarm = undefined;
  }

  #makeRoomFor(bytes: number): boolean {
    for (const [response, { takenAt }] of this.#answers) {
      if (this.#hasRoomFor(bytes) || takenAt + MAKES_WAY_AFTER > this.#clock.now()) break;
      this.#cut(response);
    }
    return this.#hasRoomFor(bytes);
  }

  /** One that is larger than all there is may go when it is alone. */
  #hasRoomFor(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#maxBytes;
  }

  /** One alarm for all, at the first instant at which one may be overdue. */
  #watch(): void {
    const [first] = this.#answers.values();
    if (first === undefined || this.#alarm !== undefined) return;
    this.#alarm = this.#clock.alarm(first.takenAt + this.#timeout, () => {
      this.#alarm = undefined;
      this.#cutOverdue();
      this.#watch();
    });
  }

  #cutOverdue(): void {
    for (const [response, { takenAt }] of [...this.#answers]) {
      if (takenAt + this.#timeout > this.#clock.now()) return;
      // Behind another answer of its connection it cannot be taken yet.
      if (response.socket === null) this.taken(response);
      else this.#cut(response);
    }
  }

  /** DEL-8: who is cut off has hung up; its deliveries are given back. */
  #cut(response: ServerResponse): void {
    this.end(response);
    response.req.socket.destroy();
  }
}
