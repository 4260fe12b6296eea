import type { CallOptions } from "../client-options.ts";
import { toMilliseconds } from "../duration.ts";
import type { Tracing } from "../tracing/tracing.ts";
import type { KeyedTurns } from "./keyed-turns.ts";
import type { RemoteBroker, Terms } from "./remote-broker.ts";
import type { Settings } from "./settings.ts";

/** What the parts of one client share. */
export interface Core {
  readonly settings: Settings;
  readonly broker: RemoteBroker;
  readonly tracing: Tracing;
  /** Of sharding keys. */
  readonly turns: KeyedTurns;
  /** What close() stops first. */
  readonly services: Set<{ stop(): Promise<void> }>;
}

/** How long a call may take, and who can end it. */
export function termsOf({ settings }: Core, { signal, timeout }: CallOptions): Terms {
  return { timeoutMs: timeout === undefined ? settings.timeoutMs : toMilliseconds(timeout, "timeout"), signal };
}
