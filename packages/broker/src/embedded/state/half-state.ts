/** Where a half message's transaction stands. */
export type HalfState = "prepared" | "offered" | "committed" | "rolled-back" | "abandoned";

/** What can happen to it. Giving an offer back restores the state before (DEL-8) and is no event of its own. */
export type HalfEvent = "offered" | "committed" | "rolled-back" | "abandoned";

/** The whole life of a half message (TX). Undefined: it cannot happen there; a client's handle is refused. */
export const HALF_MESSAGE: Readonly<Record<HalfState, Readonly<Record<HalfEvent, HalfState | undefined>>>> = {
  prepared: { offered: "offered", committed: "committed", "rolled-back": "rolled-back", abandoned: "abandoned" },
  offered: { offered: "offered", committed: "committed", "rolled-back": "rolled-back", abandoned: "abandoned" },
  // TX-5: the same outcome again succeeds, the opposite one does not.
  committed: { offered: undefined, committed: "committed", "rolled-back": undefined, abandoned: undefined },
  "rolled-back": { offered: undefined, committed: undefined, "rolled-back": "rolled-back", abandoned: undefined },
  // TX-6: left to the operator, whose verbs come with the admin API.
  abandoned: { offered: undefined, committed: undefined, "rolled-back": undefined, abandoned: undefined },
};

/** The state after an event that a fact says has happened. */
export function nextHalfState(state: HalfState, event: HalfEvent): HalfState {
  const next = HALF_MESSAGE[state][event];
  if (next === undefined) throw new Error(`a ${state} half message cannot be ${event}`);
  return next;
}
