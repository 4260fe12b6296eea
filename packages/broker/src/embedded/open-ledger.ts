import type { Position } from "./journal/fact.ts";
import type { Journal } from "./journal/journal.ts";
import { Ledger, type LedgerSettings } from "./state/ledger.ts";
import type { TagHash } from "./state/tag-set.ts";

/** The sum of a journal, and what it was added up from. */
export interface OpenedLedger {
  readonly ledger: Ledger;
  /** Behind the newest fact. */
  readonly end: Position;
  /** Where the snapshot ended that it began with; 0 without one. */
  readonly snapshotAt: Position;
  readonly snapshotBytes: number;
}

/** Adds up an open journal: the newest snapshot, and the facts after it. */
export async function openLedger(
  journal: Journal,
  settings: LedgerSettings,
  hashTag: (tag: string) => TagHash,
): Promise<OpenedLedger> {
  let snapshotBytes = 0;
  const state = await journal.snapshot();
  const ledger =
    state === undefined
      ? new Ledger(settings, hashTag)
      : await Ledger.restore(
          settings,
          hashTag,
          passing(state, (slice) => {
            snapshotBytes += slice.length;
          }),
        );
  let firstReplayed: Position | undefined;
  for await (const slice of journal.replay()) {
    firstReplayed ??= slice[0]?.position;
    for (const { fact, position } of slice) ledger.apply(fact, position);
  }
  const end = journal.segments.at(-1)?.to ?? 0;
  return { ledger, end, snapshotAt: state === undefined ? 0 : (firstReplayed ?? end), snapshotBytes };
}

async function* passing(
  slices: AsyncIterable<Uint8Array>,
  see: (slice: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const slice of slices) {
    see(slice);
    yield slice;
  }
}
