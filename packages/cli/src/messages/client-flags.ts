import type { PlaceFlags } from "./place.ts";

/** What every command that uses the client takes. */
export interface ClientFlags extends PlaceFlags {
  readonly output?: string;
  readonly quiet?: boolean;
}
