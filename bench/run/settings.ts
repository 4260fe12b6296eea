import type { PeerName } from "../peers/peer.ts";
import type { WorkloadName } from "../workloads/workload-names.ts";

export type Form = "quick" | "full";

/** How much is measured. */
export interface Settings {
  readonly form: Form;
  readonly rounds: number;
  /** Of one turn of one server. */
  readonly turnMs: number;
  readonly latencyMs: number;
  readonly idleMs: number;
  readonly backlog: number;
  /** Half messages that wait for their end. */
  readonly pending: number;
  readonly polls: number;
  /** What has not begun by then is left out, and said to be. */
  readonly atMostMs: number;
  readonly peers: readonly PeerName[] | undefined;
  readonly only: readonly WorkloadName[] | undefined;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

export const FORMS: Readonly<Record<Form, Omit<Settings, "form" | "peers" | "only">>> = {
  quick: {
    rounds: 3,
    turnMs: 700,
    latencyMs: 1_000,
    idleMs: 1_000,
    backlog: 100_000,
    pending: 10_000,
    polls: 5_000,
    atMostMs: 150 * SECOND,
  },
  full: {
    rounds: 5,
    turnMs: 3 * SECOND,
    latencyMs: 4 * SECOND,
    idleMs: 5 * SECOND,
    backlog: 5_000_000,
    pending: 100_000,
    polls: 5_000,
    atMostMs: 23 * MINUTE,
  },
};
