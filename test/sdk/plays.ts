import { emptyPoll, idlePoll, instances, restart, twoConsumers, twoGroups, waitingPoll } from "./scenarios/clients.ts";
import { deadLetters } from "./scenarios/dead-letters.ts";
import { delayed } from "./scenarios/delayed.ts";
import { bodies, colonKey, filters, keys, largeBody } from "./scenarios/messages.ts";
import { gate, inOrder } from "./scenarios/ordered.ts";
import { partialFailure, undeclared, wrongSecret } from "./scenarios/refusals.ts";
import { dayOfChecks, leftAlone, transactional } from "./scenarios/transactional.ts";
import type { Scenario } from "./stage.ts";

/** A scenario as it is played with every SDK. */
export interface Play {
  /** What a user would call the part of the SDK that it shows. */
  readonly operation: string;
  readonly scenario: Scenario;
  /** On the spot: it takes no time, so the clock does not matter. */
  readonly clock: "on the spot" | "real time" | "simulated time";
}

/** The longest first: the whole takes as long as they do. */
export const PLAYS: readonly Play[] = [
  { operation: "ordered messages", scenario: gate, clock: "real time" },
  { operation: "ordered messages", scenario: inOrder, clock: "real time" },
  { operation: "transactions", scenario: leftAlone, clock: "real time" },
  { operation: "consume", scenario: idlePoll, clock: "real time" },
  { operation: "transactions", scenario: transactional, clock: "real time" },
  { operation: "dead letters", scenario: deadLetters, clock: "simulated time" },
  { operation: "ordered messages", scenario: gate, clock: "simulated time" },
  { operation: "ordered messages", scenario: inOrder, clock: "simulated time" },
  { operation: "transactions", scenario: transactional, clock: "simulated time" },
  { operation: "transactions", scenario: dayOfChecks, clock: "simulated time" },
  { operation: "delayed messages", scenario: delayed, clock: "simulated time" },
  { operation: "connection", scenario: restart, clock: "on the spot" },
  { operation: "publish", scenario: bodies, clock: "on the spot" },
  { operation: "publish", scenario: largeBody, clock: "on the spot" },
  { operation: "publish", scenario: keys, clock: "on the spot" },
  { operation: "publish", scenario: colonKey, clock: "on the spot" },
  { operation: "consume", scenario: filters, clock: "on the spot" },
  { operation: "consume", scenario: twoGroups, clock: "on the spot" },
  { operation: "consume", scenario: twoConsumers, clock: "on the spot" },
  { operation: "consume", scenario: waitingPoll, clock: "on the spot" },
  { operation: "consume", scenario: emptyPoll, clock: "on the spot" },
  { operation: "acknowledge", scenario: partialFailure, clock: "on the spot" },
  { operation: "connection", scenario: instances, clock: "on the spot" },
  { operation: "refusals", scenario: wrongSecret, clock: "on the spot" },
  { operation: "refusals", scenario: undeclared, clock: "on the spot" },
];

/** Unique among the plays. */
export function titleOf({ scenario, clock }: Play): string {
  return clock === "on the spot" ? scenario.title : `${scenario.title} (${clock})`;
}
