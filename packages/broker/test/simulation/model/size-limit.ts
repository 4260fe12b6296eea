import type { DurationMs, EpochMs } from "../../../src/domain/time.ts";
import type { ModelMessage } from "./model-message.ts";
import { violated } from "./violation.ts";

/** A place in the journal, counted in bytes. */
type Place = number;

/** What a message takes besides its body, for all that is known. */
const BESIDE_BODY = 256;
/** The broker knows places and sizes that roughly. */
const ROUGHLY = 2_048;
/** So much more than the limit, for so long, is surely too much. */
const SURELY = 1.25;
const SWEPT_WITHIN: DurationMs = 20_000;

/** RET-1, by size: what may be gone because so much came after it, and what must be. */
export class SizeLimit {
  readonly #bytes: number;
  /** Where the journal begins and ends, and where it ended when everything had last settled: what joins a queue stands behind that. */
  #from: Place = 0;
  #to: Place = 0;
  #settledTo: Place = 0;
  #heldBytes = 0;
  readonly #joined = new Map<ModelMessage, { readonly notBefore: Place; by: Place; tooMuchSince: EpochMs }>();
  readonly #mayBeGone = new Set<ModelMessage>();

  /** Undefined: there is none. */
  constructor(bytes: number | undefined) {
    this.#bytes = bytes ?? Number.POSITIVE_INFINITY;
  }

  get #isSet(): boolean {
    return this.#bytes < Number.POSITIVE_INFINITY;
  }

  /** The journal was so long before anything happened in this uptime. What joined at the end of the last one was not seen to. */
  restarted(to: Place): void {
    this.#settledTo = Math.min(this.#settledTo, to);
    for (const place of this.#joined.values()) place.tooMuchSince = Number.POSITIVE_INFINITY;
  }

  /** It became visible, or may have: from then on it may be too much. */
  joined(message: ModelMessage): void {
    const known = this.#joined.get(message);
    if (!this.#isSet || known !== undefined) return;
    const [by, tooMuchSince] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    this.#joined.set(message, { notBefore: this.#settledTo, by, tooMuchSince });
  }

  /** It may join once more, at another place. */
  mayJoinAgain(message: ModelMessage): void {
    const known = this.#joined.get(message);
    if (known !== undefined) known.by = Number.POSITIVE_INFINITY;
  }

  /** How long the journal is, before what was answered meanwhile is judged. */
  noteExtent({ from, to }: { readonly from: Place; readonly to: Place }, messages: Iterable<ModelMessage>): void {
    if (!this.#isSet) return;
    this.#from = from;
    this.#to = to;
    this.#heldBytes = 0;
    for (const { isAbsent, visible, message } of messages) {
      if (!isAbsent && visible !== "yes") this.#heldBytes += message.body.length + BESIDE_BODY;
    }
    for (const [message, { notBefore }] of this.#joined) {
      if (to - notBefore + this.#heldBytes > this.#bytes - ROUGHLY) this.#mayBeGone.add(message);
    }
  }

  /** Everything has settled. Nothing need be gone while the broker may not be able to write that down. */
  settled(now: EpochMs, mayWrite: boolean): void {
    this.#settledTo = this.#to;
    const isFull = this.#to - this.#from > SURELY * this.#bytes + ROUGHLY;
    for (const [message, place] of this.#joined) {
      if (message.visible === "yes" && message.isCertain) place.by = Math.min(place.by, this.#to);
      const isTooMuch = isFull && mayWrite && this.#to - place.by > SURELY * this.#bytes + ROUGHLY;
      place.tooMuchSince = isTooMuch ? Math.min(place.tooMuchSince, now) : Number.POSITIVE_INFINITY;
    }
  }

  /** It may never have been there. */
  letGo(message: ModelMessage): void {
    this.#mayBeGone.add(message);
  }

  mayBeGone(message: ModelMessage): boolean {
    return this.#mayBeGone.has(message);
  }

  /** It was offered at this instant. */
  checkOffered(message: ModelMessage, now: EpochMs): void {
    const { tooMuchSince = Number.POSITIVE_INFINITY } = this.#joined.get(message) ?? {};
    if (now - tooMuchSince > SWEPT_WITHIN) {
      violated("RET-1", `${message.name} was delivered although there was too much since ${tooMuchSince}`);
    }
  }

  /** What may not be dropped may take all the room there is. */
  get mayRefuse(): boolean {
    return this.#heldBytes > this.#bytes - ROUGHLY;
  }
}
