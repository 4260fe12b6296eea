import type { Moment } from "../../domain/moment.ts";
import type { EngineSettings } from "../settings.ts";

/** What a decision may know besides the ledger and the request. */
export interface Context {
  readonly moment: Moment;
  readonly settings: EngineSettings;
  /** A random number below 2^32, for the next handle (DEL-14). */
  readonly draw: () => number;
}
