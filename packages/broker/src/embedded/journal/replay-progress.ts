import { grouped } from "../../domain/grouped.ts";
import { SECOND } from "../../domain/time.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Position } from "./fact.ts";

const MILLION = 1_000_000;

/** Says how far a replay has come: nothing in its first second, then one line a second. */
export class ReplayProgress {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #from: Position;
  readonly #to: Position;
  readonly #startedAt: number;
  #saidAt: number;
  #position: Position;
  #facts = 0;

  constructor(clock: Clock, log: Log, { from, to }: { readonly from: Position; readonly to: Position }) {
    this.#clock = clock;
    this.#log = log;
    this.#from = from;
    this.#to = to;
    this.#position = from;
    this.#startedAt = clock.now();
    this.#saidAt = this.#startedAt;
  }

  moveTo(position: Position): void {
    this.#position = position;
  }

  count(facts: number): void {
    this.#facts += facts;
    const now = this.#clock.now();
    if (now < this.#saidAt + SECOND) return;
    this.#saidAt = now;
    const done = (this.#position - this.#from) / (this.#to - this.#from);
    const percent = Math.floor(done * 100);
    const factsInAll = Math.round(this.#facts / done); // from the share of the bytes; nobody has counted
    const secondsLeft = Math.ceil(((now - this.#startedAt) / SECOND) * (1 / done - 1));
    const sentence = `replayed ${percent} %, ${share(this.#facts, factsInAll)} facts, ${secondsLeft} s left`;
    this.#log.write("info", "journal.replaying", { sentence, percent, facts: this.#facts, factsInAll, secondsLeft });
  }
}

function share(done: number, all: number): string {
  if (all < MILLION) return `${grouped(done)} of ${grouped(all)}`;
  return `${(done / MILLION).toFixed(1)} of ${(all / MILLION).toFixed(1)} million`;
}
