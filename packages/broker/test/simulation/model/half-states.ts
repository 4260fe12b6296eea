import type { EpochMs } from "../../../src/domain/time.ts";

/** Where one half message may stand, as TX tells it. */
export type HalfState =
  | OpenHalf
  | { readonly kind: "committed" | "rolled-back"; readonly handle: string | undefined }
  | { readonly kind: "abandoned"; readonly after: OpenHalf };

export interface OpenHalf {
  readonly kind: "open";
  readonly checks: number;
  readonly handle: string | undefined;
  /** When the next check falls due, and the newest handle ends. */
  readonly until: EpochMs;
  readonly firstCheckedAt: EpochMs | undefined;
  readonly giveBacks: number;
  readonly before: Pick<OpenHalf, "until" | "firstCheckedAt"> | undefined;
}

export interface SeenOffer {
  readonly check: number;
  readonly handle: string | undefined;
  readonly at: EpochMs;
  readonly until: EpochMs;
  readonly firstCheckedAt: EpochMs;
}

/** TX-6: abandoned once its time is over. */
export function aged(state: HalfState, now: EpochMs, checkFor: number): HalfState {
  if (state.kind !== "open" || state.firstCheckedAt === undefined) return state;
  return Math.max(state.firstCheckedAt + checkFor, state.until) <= now ? { kind: "abandoned", after: state } : state;
}

/** TX-6: as old as the retention, and nobody ever asked about it: at some time it is abandoned. */
export function unasked(state: HalfState, now: EpochMs): readonly HalfState[] {
  if (state.kind !== "open" || state.firstCheckedAt !== undefined || state.until > now) return [];
  return [{ kind: "abandoned", after: state }];
}

export function canBeOffered(state: HalfState, now: EpochMs): boolean {
  return state.kind === "open" && state.until <= now;
}

/** The state after a check, if it was allowed (TX-3). */
export function offered(
  state: HalfState,
  { check, handle, at, until, firstCheckedAt }: SeenOffer,
): OpenHalf | undefined {
  if (state.kind !== "open" || state.until > at) return undefined;
  if (check !== state.checks + 1 || firstCheckedAt !== (state.firstCheckedAt ?? at)) return undefined;
  const giveBacks = state.before === undefined ? state.giveBacks : 0;
  const before = { until: state.until, firstCheckedAt: state.firstCheckedAt };
  return { kind: "open", checks: check, handle, until, firstCheckedAt, giveBacks, before };
}

export function offerGivenBack(state: HalfState, handle: string, givesBefore: number): HalfState {
  if (state.kind !== "open" || state.handle !== handle || state.before === undefined) return state;
  const giveBacks = state.giveBacks + 1;
  if (giveBacks >= givesBefore) return state;
  return { ...state, ...state.before, checks: state.checks - 1, handle: undefined, giveBacks, before: undefined };
}

/** TX-4, TX-5: the state after a resolution and whether it was to be taken. */
export function ended(
  state: HalfState,
  { handle, until }: { readonly handle: string; readonly until: EpochMs },
  outcome: "committed" | "rolled-back",
  now: EpochMs,
): { readonly state: HalfState; readonly answer: "done" | "expired" } {
  if (until <= now) return { state, answer: "expired" };
  if (state.kind === "open" && state.handle === handle) return { state: { kind: outcome, handle }, answer: "done" };
  const isSame = state.kind === outcome && state.handle === handle;
  return { state, answer: isSame ? "done" : "expired" };
}
