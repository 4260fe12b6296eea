/** What was found about one item of the wire's checklist. */
export interface Finding {
  readonly item: number;
  /** Broken off: it could have been seen, had nothing gone wrong before. */
  readonly verdict: "fits" | "differs" | "broken off" | "not seen";
  /** What differs, what went wrong, or why it cannot be seen. */
  readonly says: string;
}

/** The checklist as it fills. An item may be looked at several times: it fits if each look does. */
export class Sheet {
  readonly #differences = new Map<number, string[]>();

  /** Notes whether what was seen is what was wanted. */
  see(item: number, what: string, seen: unknown, wanted: unknown): void {
    const [isSeen, isWanted] = [JSON.stringify(seen), JSON.stringify(wanted)];
    this.note(item, isSeen === isWanted, `${what}: ${isWanted} was expected, ${isSeen} came`);
  }

  note(item: number, fits: boolean, difference: string): void {
    const differences = this.#differences.get(item) ?? [];
    this.#differences.set(item, fits ? differences : [...differences, difference]);
  }

  /** Undefined while nobody has looked. */
  find(item: number): Finding | undefined {
    const differences = this.#differences.get(item);
    if (differences === undefined) return undefined;
    // One reason will do.
    const [says] = differences;
    return says === undefined ? { item, verdict: "fits", says: "" } : { item, verdict: "differs", says };
  }
}
