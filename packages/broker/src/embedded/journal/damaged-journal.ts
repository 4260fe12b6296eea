import { grouped } from "../../domain/grouped.ts";
import { StartError } from "../../domain/start-error.ts";

/** Confirmed facts are missing or spoiled (DUR-1). Nothing was changed. */
export class DamagedJournal extends StartError {
  /** `what` names the place, as in "segment 17, bytes 81,920 to 86,015". */
  constructor(directory: string, what: string, options?: ErrorOptions) {
    super(
      70,
      `Damaged data in ${directory}: ${what}. Nothing was changed. Restore a copy, or use another directory: --data DIR. Look at it: stagemq fsck ${directory}.`,
      options,
    );
  }
}

/** Names bytes of a segment, the last one included. */
export function describeBytes(segment: number, from: number, to: number): string {
  return `segment ${segment}, bytes ${grouped(from)} to ${grouped(Math.max(from, to - 1))}`;
}
