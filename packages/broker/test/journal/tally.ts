import type { Position } from "../../src/embedded/journal/fact.ts";
import { FileJournal, type FileJournalOptions } from "../../src/embedded/journal/file-journal.ts";
import type { Disk } from "../../src/runtime/disk.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { aFact, DIRECTORY, numbersOf } from "./open-journal.ts";

/** The smallest ledger there is: the numbers of the facts it has applied. A snapshot of it is a list of them. */
export class Tally {
  readonly journal: FileJournal;
  readonly numbers: number[] = [];
  /** How many of them came from a snapshot. */
  fromSnapshot = 0;
  /** By number; of what came from a snapshot nothing is known. */
  readonly positions: Position[] = [];

  private constructor(journal: FileJournal) {
    this.journal = journal;
  }

  /** A start of the broker. */
  static async start(
    world: Omit<Runtime, "disk">,
    disk: Disk,
    options: Partial<FileJournalOptions> = {},
  ): Promise<Tally> {
    const tally = new Tally(
      new FileJournal({ ...world, disk }, { directory: DIRECTORY, version: "0.1.0", ...options }),
    );
    const { journal, numbers, positions } = tally;
    await journal.open();
    for await (const slice of (await journal.snapshot()) ?? [])
      numbers.push(...JSON.parse(Buffer.from(slice).toString()));
    tally.fromSnapshot = numbers.length;
    for await (const slice of journal.replay()) {
      for (const [index, { position }] of slice.entries()) positions[numbers.length + index] = position;
      numbers.push(...numbersOf(slice.map(({ fact }) => fact)));
    }
    return tally;
  }

  /** Appends the next so many facts, together. */
  append(count = 1): Position {
    const numbers = Array.from({ length: count }, (_, index) => this.numbers.length + index);
    const positions = this.journal.append(numbers.map((number) => aFact(number)));
    for (const [index, number] of numbers.entries()) this.positions[number] = positions[index] as Position;
    this.numbers.push(...numbers);
    return positions.at(-1) as Position;
  }

  /** Appends so many, each in a group of its own. */
  async store(count: number): Promise<void> {
    for (let left = count; left > 0; left--) await this.journal.synced(this.append());
  }

  /** Keeps a snapshot of the first so many numbers; of all, unless told. */
  async keep(count = this.numbers.length): Promise<void> {
    await this.journal.keepSnapshot((this.positions[count - 1] as Position) + 1, this.#capture(count));
  }

  /** Deletes every segment that may go. */
  async forget(): Promise<void> {
    await this.journal.forget(Number.POSITIVE_INFINITY);
  }

  async *#capture(count: number): AsyncGenerator<Uint8Array> {
    const numbers = this.numbers.slice(0, count);
    for (let at = 0; at < count; at += 8) yield Buffer.from(JSON.stringify(numbers.slice(at, at + 8)));
  }
}

/** 0, 1, 2 … as a sound start finds them. */
export function firstNumbers(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number);
}
