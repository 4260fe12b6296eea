import type { Fact, Position } from "./fact.ts";

export interface Recorded {
  readonly fact: Fact;
  readonly position: Position;
}

/** One sequence of facts, kept. Never looks into a fact but to write and read it. */
export interface Journal {
  /** The secret of this journal: it seals handles and hashes tags. The same at every start. */
  readonly secret: Uint8Array;
  /** Finds what was kept, and says so (lock, format, damage). Before anything else. */
  open(): Promise<void>;
  /** Every fact in order, in slices. To the end, once, before the first `append`. */
  replay(): AsyncIterable<readonly Recorded[]>;
  /**
   * Adds the facts of one verb, together or not at all, and says at once where each stands. They are on disk when
   * `synced` with the last position resolves.
   */
  append(facts: readonly Fact[]): Position[];
  /** Resolves when the fact at `position` and all before it survive a crash; rejects with `storage-failed`. */
  synced(position: Position): Promise<void>;
  /** Reads back one fact, also one that is not synced yet. */
  read(position: Position): Promise<Fact>;
  /** Resolves with the cause when the journal has failed for good (DUR-2); never rejects. */
  readonly failed: Promise<Error>;
  /** Writes and syncs what is there, marks the clean end, lets go of the directory. Safe to call twice. */
  close(): Promise<void>;
}
