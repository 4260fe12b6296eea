import { hash } from "node:crypto";
import type { LogFields } from "../../src/runtime/log.ts";

/** What a run must have met at least once, or its silence proves nothing. */
export const SOMETIMES = [
  "torn tail cut",
  "snapshot kept",
  "snapshot fallback",
  "old segments deleted",
  "message dropped by its age",
  "message dropped for its size",
  "refused for what may not be dropped",
  "batch acknowledged in part, then expired",
  "commit racing a check",
  "handle used at its deadline",
  "power cut during a start",
  "power cut during a sync",
  "power cut during a rename",
  "clock stepped back while a delayed message waits",
  "answer lost in a crash",
  "disk failed under load",
  "disk failed during a start",
  "rot refused at a start",
  "refused on a full disk",
  "start on a full disk",
  "space again after a full disk",
  "housekeeping put off",
  "ledger compared with its journal",
  "rot turned back unseen",
  "message dead-lettered",
  "delivery given back",
  "poll served while it waited",
] as const;

export type Sometimes = (typeof SOMETIMES)[number];

/** What the broker's log tells of this. */
const TOLD: Readonly<Record<string, Sometimes>> = {
  "journal.cut": "torn tail cut",
  "journal.snapshot-damaged": "snapshot fallback",
  "snapshot.kept": "snapshot kept",
  "journal.shortened": "old segments deleted",
  "housekeeping.failed": "housekeeping put off",
  "housekeeping.no-room": "housekeeping put off",
};

/** All that happened in one seed, in order. */
export class History {
  readonly lines: string[] = [];
  readonly counts = new Map<Sometimes, number>();

  note(event: string, ...details: readonly unknown[]): void {
    this.lines.push([event, ...details.map((detail) => JSON.stringify(detail))].join(" "));
  }

  met(what: Sometimes, times = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + times);
  }

  /** The broker logged it. */
  heard(event: string, { reason }: LogFields = {}): void {
    const what = TOLD[event];
    if (what !== undefined) this.met(what);
    if (event !== "messages.dropped") return;
    this.met(reason === "size" ? "message dropped for its size" : "message dropped by its age");
  }

  get digest(): string {
    return hash("sha256", this.lines.join("\n")).slice(0, 16);
  }
}
