import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { KIB } from "../domain/size.ts";
import { type DurationMs, type EpochMs, SECOND } from "../domain/time.ts";
import type { Alarm, Clock } from "../runtime/clock.ts";

/** The answers under way on one connection. Its client can take only the first; the others wait behind it. */
interface Pipeline {
  /** With their bytes. */
  readonly answers: Map<ServerResponse, number>;
  bytes: number;
  /** When its client last took something, or could first do so. */
  takenAt: EpochMs;
}

/** So little always has room: it is counted only where it must wait. */
export const FREE_BYTES = 64 * KIB;
/** Who takes nothing for so long makes way for others. */
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
  readonly #pipelines = new Map<Socket, Pipeline>();
  #bytes = 0;
  #alarm: Alarm | undefined;

  /** `maxBytes` is for all; who takes nothing for `timeout` is cut off. */
  constructor(clock: Clock, limits: { readonly maxBytes: number; readonly timeout: DurationMs }) {
    this.#clock = clock;
    this.#maxBytes = limits.maxBytes;
    this.#timeout = limits.timeout;
  }

  /** False where there is no room for an answer so large; then it must not be kept. Safe to call again. */
  begin(response: ServerResponse, bytes: number): boolean {
    if (this.#pipelines.get(response.req.socket)?.answers.has(response)) return true;
    if (bytes > FREE_BYTES && !this.#makeRoomFor(bytes)) return false;
    const { socket } = response.req;
    const pipeline = this.#pipelines.get(socket) ?? { answers: new Map(), bytes: 0, takenAt: this.#clock.now() };
    this.#pipelines.set(socket, pipeline);
    pipeline.answers.set(response, bytes);
    pipeline.bytes += bytes;
    this.#bytes += bytes;
    if (isFirst(response)) this.#touch(socket, pipeline);
    this.#watch();
    return true;
  }

  /** Some of it was taken. */
  taken(response: ServerResponse): void {
    const { socket } = response.req;
    const pipeline = this.#pipelines.get(socket);
    if (pipeline?.answers.has(response)) this.#touch(socket, pipeline);
  }

  /** Safe to call for one that never began. */
  end(response: ServerResponse): void {
    const { socket } = response.req;
    const pipeline = this.#pipelines.get(socket);
    const bytes = pipeline?.answers.get(response);
    if (pipeline === undefined || bytes === undefined) return;
    pipeline.answers.delete(response);
    pipeline.bytes -= bytes;
    this.#bytes -= bytes;
    if (pipeline.answers.size > 0) this.#touch(socket, pipeline);
    else this.#remove(socket);
  }

  #touch(socket: Socket, pipeline: Pipeline): void {
    pipeline.takenAt = this.#clock.now();
    this.#pipelines.delete(socket);
    this.#pipelines.set(socket, pipeline);
  }

  #remove(socket: Socket): void {
    this.#pipelines.delete(socket);
    if (this.#pipelines.size > 0) return;
    this.#alarm?.cancel();
    this.#alarm = undefined;
  }

  /** Cuts off as few as it takes, and nobody where all of them would not do. */
  #makeRoomFor(bytes: number): boolean {
    let kept = this.#bytes;
    // One that is larger than all there is may go when it is alone.
    const fits = () => kept === 0 || kept + bytes <= this.#maxBytes;
    const inTheWay: [Socket, Pipeline][] = [];
    for (const [socket, pipeline] of this.#pipelines) {
      if (fits() || pipeline.takenAt + MAKES_WAY_AFTER > this.#clock.now()) break;
      if (!canBeTaken(pipeline)) continue;
      inTheWay.push([socket, pipeline]);
      kept -= pipeline.bytes;
    }
    if (!fits()) return false;
    for (const [socket, pipeline] of inTheWay) this.#cut(socket, pipeline);
    return true;
  }

  /** One alarm for all, at the first instant at which one may be overdue. */
  #watch(): void {
    const [first] = this.#pipelines.values();
    if (first === undefined || this.#alarm !== undefined) return;
    this.#alarm = this.#clock.alarm(first.takenAt + this.#timeout, () => {
      this.#alarm = undefined;
      this.#cutOverdue();
      this.#watch();
    });
  }

  #cutOverdue(): void {
    for (const [socket, pipeline] of [...this.#pipelines]) {
      if (pipeline.takenAt + this.#timeout > this.#clock.now()) return;
      if (canBeTaken(pipeline)) this.#cut(socket, pipeline);
      else this.#touch(socket, pipeline);
    }
  }

  /** DEL-8: who is cut off has hung up; its deliveries are given back. */
  #cut(socket: Socket, pipeline: Pipeline): void {
    this.#bytes -= pipeline.bytes;
    this.#remove(socket);
    socket.destroy();
  }
}

/** False while all its answers wait behind one that has not begun. */
function canBeTaken({ answers }: Pipeline): boolean {
  return [...answers.keys()].some(isFirst);
}

/** Of its connection: `node:http` hands the socket to one response after the other. */
function isFirst(response: ServerResponse): boolean {
  return response.socket !== null;
}
