import type { DurationMs, EpochMs } from "../../../src/domain/time.ts";

/** Where one message may stand with one group, as DEL and ORD tell it. Shares nothing with the engine's ledger. */
export type DeliveryState =
  | { readonly kind: "ready"; readonly giveBacks: number }
  | DeliveredState
  | { readonly kind: "acknowledged"; readonly handle: string | undefined; readonly until: EpochMs }
  | { readonly kind: "dead"; readonly attempts: number; readonly after: DeliveredState }
  | { readonly kind: "passed-over" };

export interface DeliveredState {
  readonly kind: "delivered";
  readonly attempt: number;
  /** Undefined where no client was ever given it, or where it was given back. */
  readonly handle: string | undefined;
  readonly until: EpochMs;
  readonly firstAt: EpochMs;
  readonly ordered: boolean;
  readonly giveBacks: number;
  /** What a give-back restores; undefined where that has happened. */
  readonly before: { readonly until: EpochMs; readonly ordered: boolean } | undefined;
}

/** A delivery as a client saw it, or as it may have been where nobody saw it. */
export interface SeenDelivery {
  readonly attempt: number;
  readonly handle: string | undefined;
  readonly at: EpochMs;
  readonly until: EpochMs;
  readonly firstAt: EpochMs;
  readonly ordered: boolean;
}

export const READY: DeliveryState = { kind: "ready", giveBacks: 0 };
export const PASSED_OVER: DeliveryState = { kind: "passed-over" };

export function isInFlight(state: DeliveryState, now: EpochMs): boolean {
  return state.kind === "delivered" && state.until > now;
}

export function isDue(state: DeliveryState, now: EpochMs): boolean {
  return state.kind === "delivered" && state.until <= now;
}

export function isOver(state: DeliveryState): boolean {
  return state.kind === "acknowledged" || state.kind === "dead" || state.kind === "passed-over";
}

/** The state after this delivery, if it was allowed: undefined where DEL-3, DEL-4 or an end forbid it. */
export function delivered(state: DeliveryState, seen: SeenDelivery): DeliveredState | undefined {
  const { attempt, handle, at, until, firstAt, ordered } = seen;
  const now = { kind: "delivered", attempt, handle, until, firstAt, ordered } as const;
  if (state.kind === "ready") {
    if (attempt !== 1 || firstAt !== at) return undefined;
    return { ...now, giveBacks: state.giveBacks, before: { until: 0, ordered: false } };
  }
  if (!isDue(state, at) || state.kind !== "delivered") return undefined;
  if (attempt !== state.attempt + 1 || firstAt !== state.firstAt) return undefined;
  // DEL-8: only give-backs that follow one another count.
  const giveBacks = state.before === undefined ? state.giveBacks : 0;
  return { ...now, giveBacks, before: { until: state.until, ordered: state.ordered } };
}

/** What the next delivery would look like; undefined where there can be none. */
export function nextDelivery(
  state: DeliveryState,
  at: EpochMs,
  invisibleFor: DurationMs,
  ordered: boolean,
): DeliveredState | undefined {
  const attempt = state.kind === "delivered" ? state.attempt + 1 : 1;
  const firstAt = state.kind === "delivered" ? state.firstAt : at;
  return delivered(state, { attempt, handle: undefined, at, until: at + invisibleFor, firstAt, ordered });
}

/** DEL-8: as before the delivery; as it is where this is not the newest handle, or the last time it may be undone has passed. */
export function givenBack(state: DeliveryState, handle: string, givesBefore: number): DeliveryState {
  if (state.kind !== "delivered" || state.handle !== handle || state.before === undefined) return state;
  const giveBacks = state.giveBacks + 1;
  if (giveBacks >= givesBefore) return state;
  if (state.attempt === 1) return { kind: "ready", giveBacks };
  return { ...state, ...state.before, attempt: state.attempt - 1, handle: undefined, giveBacks, before: undefined };
}

/** DEL-5: the state after an acknowledgement and the answers allowed to it. */
export function acknowledged(
  state: DeliveryState,
  { handle, until }: { readonly handle: string; readonly until: EpochMs },
  now: EpochMs,
): { readonly state: DeliveryState; readonly answers: readonly ("done" | "expired")[] } {
  if (until <= now) return { state, answers: ["expired"] };
  if (state.kind === "delivered" && state.handle === handle) {
    return { state: { kind: "acknowledged", handle, until }, answers: ["done"] };
  }
  // Given back, then passed over or dead by a later delivery: there is nothing left to end, and either answer can be defended.
  if (state.kind === "passed-over" || state.kind === "dead") return { state, answers: ["done", "expired"] };
  if (state.kind !== "acknowledged") return { state, answers: ["expired"] };
  // Of a handle that was given back before another one ended the message, both answers can be defended.
  return { state, answers: state.handle === handle ? ["done"] : ["done", "expired"] };
}
