import { MIB } from "../domain/size.ts";
import type { Fact, Position } from "./journal/fact.ts";
import type { Journal } from "./journal/journal.ts";
import { storedBytes } from "./living-bytes.ts";
import type { MessageReader } from "./message-reader.ts";
import type { Ledger } from "./state/ledger.ts";
import { isStillLiving, type Living, livingBefore } from "./state/living.ts";
import type { StoredMessage } from "./stored-message.ts";

const BATCH_BYTES = MIB;
const BATCH_MESSAGES = 200;

interface Copying {
  readonly ledger: Ledger;
  readonly journal: Journal;
  readonly messages: MessageReader;
  readonly commit: (facts: readonly Fact[]) => Position;
  /** Lets everything else go first. */
  readonly turn: () => Promise<void>;
}

interface Found {
  readonly living: Living;
  readonly stored: StoredMessage;
}

/** There is no space for it; what was under way is left. */
export class NoRoom extends Error {}

/** Stores again, and syncs, all that is read from before this position. Says how much that was. */
export async function copyForward(copying: Copying, before: Position): Promise<number> {
  const { ledger, journal, messages, turn } = copying;
  let mayCopyBytes = journal.space.forCopying;
  let count = 0;
  const store = async (batch: readonly Found[]): Promise<void> => {
    const facts = factsFor(ledger, batch);
    if (facts.length === 0) return;
    const bytes = batch.reduce((sum, { living }) => sum + storedBytes(living), 0);
    if (bytes > Math.min(mayCopyBytes, journal.space.forCopying)) throw new NoRoom();
    mayCopyBytes -= bytes;
    await journal.synced(copying.commit(facts));
    count += facts.length;
  };
  // What moves on meanwhile, to where was looked already, takes its place along: only a look that finds nothing is the last.
  for (let isEmpty = false; !isEmpty; ) {
    isEmpty = true;
    const batch: Found[] = [];
    let bytes = 0;
    for (const living of livingBefore(ledger, before)) {
      isEmpty = false;
      const stored = await messages.read(living.position);
      batch.push({ living, stored });
      bytes += stored.message.body.length;
      if (bytes < BATCH_BYTES && batch.length < BATCH_MESSAGES) continue;
      await store(batch.splice(0));
      bytes = 0;
      await turn();
    }
    await store(batch);
  }
  return count;
}

function factsFor(ledger: Ledger, batch: readonly Found[]): Fact[] {
  return batch
    .filter(({ living }) => isStillLiving(ledger, living))
    .map(({ living: { topic, place }, stored }) => ({ kind: "message-copied-forward", topic, ...place, ...stored }));
}
