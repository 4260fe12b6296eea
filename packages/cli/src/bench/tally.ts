/** What a run published and what of it came back, held against each other. */
export interface Verdict {
  /** Labels of confirmed messages that never came. */
  readonly lost: readonly string[];
  /** Labels of messages that came after a later one of their stream; absent where no order was asked for. */
  readonly outOfOrder?: readonly string[];
  /** Labels of messages whose body was another than the one sent. */
  readonly changed: readonly string[];
  /** How many came more than once, which is allowed. */
  readonly again: number;
  /** How many came that this run never sent: what lay there before. */
  readonly foreign: number;
}

interface Stream {
  sent: number;
  highest: number;
  readonly unconfirmed: Set<number>;
  readonly received: boolean[];
}

/**
 * Keeps the score of one run. A stream is what one connection publishes, one message after the other, so its numbers rise in the
 * order that a sharding key promises to keep.
 */
export class Tally {
  readonly #run: string;
  readonly #ordered: boolean;
  readonly #streams: Stream[];
  readonly #outOfOrder: string[] = [];
  readonly #changed: string[] = [];
  #outstanding = 0;
  #again = 0;
  #foreign = 0;

  /** `run` tells the messages of this run from all others. */
  constructor({ run, streams, ordered }: { run: string; streams: number; ordered: boolean }) {
    [this.#run, this.#ordered] = [run, ordered];
    this.#streams = Array.from({ length: streams }, () => ({
      sent: 0,
      highest: -1,
      unconfirmed: new Set<number>(),
      received: [],
    }));
  }

  /** How many confirmed messages have not come yet. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** The label of the next message of a stream; until it is confirmed, it may or may not come. */
  send(stream: number): string {
    const { sent, unconfirmed } = this.#of(stream);
    unconfirmed.add(sent);
    this.#of(stream).sent++;
    return this.#label(stream, sent);
  }

  /** The message that was sent last on a stream is stored. */
  confirm(stream: number): void {
    const { sent, unconfirmed, received } = this.#of(stream);
    unconfirmed.delete(sent - 1);
    if (!received[sent - 1]) this.#outstanding++;
  }

  receive(label: string, isSound: boolean): void {
    const [run, stream = Number.NaN, number = Number.NaN] = readLabel(label);
    const known = run === this.#run ? this.#streams[stream] : undefined;
    if (known === undefined || !(number < known.sent)) {
      this.#foreign++;
      return;
    }
    if (!isSound) this.#changed.push(label);
    if (known.received[number]) {
      this.#again++;
      return;
    }
    known.received[number] = true;
    if (!known.unconfirmed.has(number)) this.#outstanding--;
    if (number < known.highest) this.#outOfOrder.push(label);
    else known.highest = number;
  }

  judge(): Verdict {
    const lost = this.#streams.flatMap(({ sent, unconfirmed, received }, stream) =>
      Array.from({ length: sent }, (_, number) => number)
        .filter((number) => !received[number] && !unconfirmed.has(number))
        .map((number) => this.#label(stream, number)),
    );
    const order = this.#ordered ? { outOfOrder: this.#outOfOrder } : {};
    return { lost, ...order, changed: this.#changed, again: this.#again, foreign: this.#foreign };
  }

  #of(stream: number): Stream {
    const found = this.#streams[stream];
    if (found === undefined) throw new RangeError(`there is no stream ${stream}`);
    return found;
  }

  #label(stream: number, number: number): string {
    return `${this.#run}.${stream}.${number}`;
  }
}

function readLabel(label: string): [run: string, stream: number, number: number] | [] {
  const [, run, stream, number] = /^(.+)[.](\d+)[.](\d+)$/.exec(label) ?? [];
  return run === undefined ? [] : [run, Number(stream), Number(number)];
}
