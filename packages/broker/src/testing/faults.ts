import { nearestName } from "../domain/nearest-name.ts";
import type { DurationMs } from "../domain/time.ts";
import type { ErrorCode } from "./fault-codes.ts";

/** What a client can ask for. `receiveHalf`, `commit` and `rollback` are a transactional producer's. */
export type TestOperation = "publish" | "receive" | "acknowledge" | "receiveHalf" | "commit" | "rollback";

const OPERATIONS: readonly TestOperation[] = ["publish", "receive", "acknowledge", "receiveHalf", "commit", "rollback"];

/** Which requests a fault is meant for, and how many of them. */
export interface FaultScope {
  /** How many requests it strikes; absent: until the faults are cleared. */
  readonly times?: number;
  /** Only of this topic. */
  readonly topic?: string;
  /** Only of this consumer or producer group. */
  readonly group?: string;
}

/** What happens to a request. */
export type FaultEffect =
  | {
      readonly kind: "fail";
      readonly code: ErrorCode;
      /** 503 instead of the usual status of the code. */
      readonly status?: 503;
      /** Only the first so many handles of the request; the others are carried out. */
      readonly handles?: number;
    }
  | { readonly kind: "delay"; readonly by: DurationMs }
  | { readonly kind: "lose-request" }
  | { readonly kind: "lose-reply" }
  | { readonly kind: "duplicate" };

/** A fault that waits for its request. */
export type Fault = FaultScope & FaultEffect & { readonly operation: TestOperation };

/** A request, as a fault sees it. */
export interface Errand {
  readonly operation: TestOperation;
  readonly topic: string;
  readonly group?: string;
}

type Effect<Kind extends FaultEffect["kind"]> = Extract<FaultEffect, { readonly kind: Kind }>;

/** The faults that were asked for and have not struck yet. Of those that fit, the one asked for first strikes. */
export class Faults {
  #waiting: Fault[] = [];

  plan(fault: Fault): void {
    if (fault.times === 0) return;
    this.#waiting.push(fault);
  }

  /** Takes one that strikes this request; one that strikes several times goes with the last. */
  take<Kind extends FaultEffect["kind"]>(kind: Kind, errand: Errand): Effect<Kind> | undefined {
    const at = this.#waiting.findIndex((fault) => fault.kind === kind && isMeant(fault, errand));
    const fault = this.#waiting[at];
    if (fault === undefined) return undefined;
    if (fault.times === 1) this.#waiting.splice(at, 1);
    else if (fault.times !== undefined) this.#waiting[at] = { ...fault, times: fault.times - 1 };
    return fault as Fault & Effect<Kind>;
  }

  list(): readonly Fault[] {
    return [...this.#waiting];
  }

  clear(): void {
    this.#waiting = [];
  }

  /** Ends what delays this operation so far. */
  clearDelays(operation: TestOperation, { topic, group }: FaultScope): void {
    this.#waiting = this.#waiting.filter(
      (fault) =>
        fault.kind !== "delay" || fault.operation !== operation || fault.topic !== topic || fault.group !== group,
    );
  }
}

/** Throws a TypeError where there is no such operation. */
export function checkOperation(given: unknown): TestOperation {
  const known = OPERATIONS.find((operation) => operation === given);
  if (known !== undefined) return known;
  const nearest = nearestName(String(given), OPERATIONS);
  const meant = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
  throw new TypeError(`${JSON.stringify(given)} is no operation; it must be one of ${OPERATIONS.join(", ")}.${meant}`);
}

function isMeant({ operation, topic, group }: Fault, errand: Errand): boolean {
  return (
    operation === errand.operation &&
    (topic === undefined || topic === errand.topic) &&
    (group === undefined || group === errand.group)
  );
}
