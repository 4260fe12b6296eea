import type { Position } from "./journal/fact.ts";
import type { Journal } from "./journal/journal.ts";
import { Ledger, type LedgerSettings } from "./state/ledger.ts";
import { livingBefore } from "./state/living.ts";
import type { KeptUse } from "./state/snapshot-pieces.ts";
import type { TagHash } from "./state/tag-set.ts";

/** The sum of a journal, and what it was added up from. */
export interface OpenedLedger {
  readonly ledger: Ledger;
  /** Behind the newest fact. */
  readonly end: Position;
  /** Where the snapshot ended that it began with; 0 without one. */
  readonly snapshotAt: Position;
  readonly snapshotBytes: number;
  /** Up to the snapshot; of what came later only facts tell. */
  readonly uses: readonly KeptUse[];
}

/** Adds up an open journal: the newest snapshot, and the facts after it. */
export async function openLedger(
  journal: Journal,
  settings: LedgerSettings,
  hashTag: (tag: string) => TagHash,
): Promise<OpenedLedger> {
  let snapshotBytes = 0;
  const uses: KeptUse[] = [];
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
          (use) => uses.push(use),
        );
  let firstReplayed: Position | undefined;
  for await (const slice of journal.replay()) {
    firstReplayed ??= slice[0]?.position;
    for (const { fact, position } of slice) ledger.apply(fact, position);
  }
  const end = journal.extent.to;
  return { ledger, end, snapshotAt: state === undefined ? 0 : (firstReplayed ?? end), snapshotBytes, uses };
}

/** DUR-1: that the oldest segments are gone is no damage unless something is still read from there. */
export function checkNothingIsLost(journal: Journal, { ledger }: OpenedLedger): void {
  const first = journal.segments[0];
  if (first === undefined || first.from === 0) return;
  for (const { topic } of livingBefore(ledger, first.from)) {
    const name = ledger.topicById(topic)?.ref.topic;
    throw journal.damage(`segment ${first.number - 1} is missing, and messages of ${name} that stand there or before`);
  }
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
