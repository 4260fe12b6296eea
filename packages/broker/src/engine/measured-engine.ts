import { BrokerError, type BrokerErrorCode } from "../domain/broker-error.ts";
import type {
  AcknowledgeRequest,
  Call,
  Catalog,
  Delivery,
  EndTransactionRequest,
  Engine,
  GiveBackRequest,
  HandleOutcome,
  Inspection,
  Messaging,
  PublishReceipt,
  PublishRequest,
  ReceiveHalfRequest,
  ReceiveRequest,
} from "./engine.ts";

export type Verb = keyof Messaging;

/** How a verb ended: `failed` is a bug, everything else beside `done` an expected refusal. */
export type VerbEnd = "done" | "failed" | BrokerErrorCode;

/** Told of each verb when it has ended, and of how many messages or handles it was about. */
export type Observe = (verb: Verb, end: VerbEnd, count: number) => void;

/** Sees what every door asks of every engine, refusals included: the outermost wrapper. Changes nothing. */
export class MeasuredEngine implements Engine {
  readonly #engine: Engine;
  readonly #observe: Observe;

  constructor(engine: Engine, observe: Observe) {
    this.#engine = engine;
    this.#observe = observe;
  }

  get catalog(): Catalog {
    return this.#engine.catalog;
  }

  get inspection(): Inspection {
    return this.#engine.inspection;
  }

  publish(call: Call, request: PublishRequest): Promise<PublishReceipt> {
    return this.#watch("publish", this.#engine.publish(call, request), () => 1);
  }

  receive(call: Call, request: ReceiveRequest): Promise<Delivery[]> {
    return this.#watch("receive", this.#engine.receive(call, request), (deliveries) => deliveries.length);
  }

  acknowledge(call: Call, request: AcknowledgeRequest): Promise<HandleOutcome[]> {
    return this.#watch("acknowledge", this.#engine.acknowledge(call, request), countAccepted);
  }

  giveBack(call: Call, request: GiveBackRequest): Promise<void> {
    return this.#watch("giveBack", this.#engine.giveBack(call, request), () => request.handles.length);
  }

  receiveHalf(call: Call, request: ReceiveHalfRequest): Promise<Delivery[]> {
    return this.#watch("receiveHalf", this.#engine.receiveHalf(call, request), (deliveries) => deliveries.length);
  }

  endTransaction(call: Call, request: EndTransactionRequest): Promise<HandleOutcome[]> {
    return this.#watch("endTransaction", this.#engine.endTransaction(call, request), countAccepted);
  }

  settled(): Promise<void> {
    return this.#engine.settled();
  }

  stop(beforeClosing?: () => Promise<void>): Promise<void> {
    return this.#engine.stop(beforeClosing);
  }

  async #watch<Answer>(verb: Verb, answer: Promise<Answer>, count: (answer: Answer) => number): Promise<Answer> {
    try {
      const given = await answer;
      this.#observe(verb, "done", count(given));
      return given;
    } catch (error) {
      this.#observe(verb, error instanceof BrokerError ? error.code : "failed", 0);
      throw error;
    }
  }
}

function countAccepted(outcomes: readonly HandleOutcome[]): number {
  return outcomes.filter(({ refusal }) => refusal === undefined).length;
}
