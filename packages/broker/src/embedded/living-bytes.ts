import type { Position } from "./journal/fact.ts";
import type { SegmentSpan } from "./journal/journal.ts";
import type { Ledger } from "./state/ledger.ts";
import { queuedBefore, waitingBefore } from "./state/living.ts";

/** What is in use of the journal, about, and without stopping the loop: `turn` lets everything else go first. */

/** About what a message takes in the journal beside its body. */
const FRAME_BYTES = 100;
const LOOKS_A_TURN = 10_000;

type Turn = () => Promise<void>;

/** What a message takes in the journal. */
export function storedBytes({ bodyBytes }: { readonly bodyBytes: number }): number {
  return FRAME_BYTES + bodyBytes;
}

/** What messages in queues take before this position; once it is too much, it is not counted on. */
export async function queuedBytes(ledger: Ledger, before: Position, tooMuch: number, turn: Turn): Promise<number> {
  let queued = 0;
  let looks = 0;
  for (const living of queuedBefore(ledger, before)) {
    if (++looks % LOOKS_A_TURN === 0) await turn();
    queued += storedBytes(living);
    if (queued > tooMuch) break;
  }
  return queued;
}

/** What waits in each of the segments, by one look at all that waits: there may be many of both. */
export async function waitingBytes(ledger: Ledger, segments: readonly SegmentSpan[], turn: Turn): Promise<number[]> {
  const waitingIn = segments.map(() => 0);
  let index = 0;
  let looks = 0;
  for (const living of waitingBefore(ledger, segments.at(-1)?.to ?? 0)) {
    if (++looks % LOOKS_A_TURN === 0) await turn();
    while (living.position >= (segments[index]?.to ?? Number.POSITIVE_INFINITY)) index += 1;
    while (living.position < (segments[index]?.from ?? 0)) index -= 1;
    waitingIn[index] = (waitingIn[index] ?? 0) + storedBytes(living);
  }
  return waitingIn;
}
