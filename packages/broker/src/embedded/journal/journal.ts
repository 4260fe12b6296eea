import type { AppliedFact, Fact, Position } from "./fact.ts";
import type { Space } from "./space.ts";

export interface Recorded {
  readonly fact: AppliedFact;
  readonly position: Position;
}

/** A run of facts in one file. */
export interface SegmentSpan {
  /** Ascending, without a gap; the first ones may be gone. */
  readonly number: number;
  readonly from: Position;
  /** The first position that is not in it any more. */
  readonly to: Position;
}

/** One sequence of facts, kept. Never looks into a fact but to write and read it. */
export interface Journal {
  /** The secret of this journal: it seals handles and hashes tags. The same at every start. */
  readonly secret: Uint8Array;
  /** Finds what was kept, and says so (lock, format, damage). Before anything else. */
  open(): Promise<void>;
  /**
   * After `open`, before `replay`: the state that the replay goes on from, checked against its checksums; undefined: from
   * the beginning. Not asked for, the replay begins at the beginning.
   */
  snapshot(): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Every fact in order that the snapshot does not contain, in slices. To the end, once, before the first `append`. */
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
  /** The same, where no disk has to be asked; else undefined. */
  readAtOnce(position: Position): Fact | undefined;
  /** What stands at these positions is not forgotten until the function that comes back was called. */
  pin(...positions: readonly Position[]): () => void;
  /** From where to where it is kept: as the segments say, but at no cost, so that it can be asked at every fact. */
  readonly extent: { readonly from: Position; readonly to: Position };
  /** Oldest first, from the replay on; the last is the one that grows. */
  readonly segments: readonly SegmentSpan[];
  /**
   * Keeps `state`, the sum of all facts before `position`. The newest two are kept. Resolves once it would survive a crash;
   * its name appears only after the journal is synced past `position`.
   */
  keepSnapshot(position: Position, state: AsyncIterable<Uint8Array>): Promise<void>;
  /** What stands before it is never replayed again: the older of the two kept snapshots; 0 while there are fewer. */
  readonly replaysFrom: Position;
  /** Deletes the segments that end at or before `position`, and at or before `replaysFrom`. Pins and reads under way come first. */
  forget(position: Position): Promise<void>;
  /** Reads one old segment again and checks all of it; rejects, and fails the journal, naming file and range (DUR-2). */
  scrub(segment: number): Promise<void>;
  /** Why a start is refused where the facts ask for what is not there (DUR-1). `what` names it. */
  damage(what: string): Error;
  /** DUR-3: what there is room for; to be asked before facts are committed. */
  readonly space: Space;
  /** Resolves with the cause when the journal has failed for good (DUR-2); never rejects. */
  readonly failed: Promise<Error>;
  /** Writes and syncs what is there, marks the clean end, lets go of the directory. Safe to call twice. */
  close(): Promise<void>;
}
