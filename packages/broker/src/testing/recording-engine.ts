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
  PublishReceipt,
  PublishRequest,
  ReceiveHalfRequest,
  ReceiveRequest,
} from "../engine/engine.ts";
import type { Clock } from "../runtime/clock.ts";
import type { History } from "./history.ts";

/** Writes down what clients did, for tests to ask for. Changes nothing. */
export class RecordingEngine implements Engine {
  readonly #engine: Engine;
  readonly #history: History;
  readonly #clock: Clock;

  constructor(engine: Engine, history: History, clock: Clock) {
    this.#engine = engine;
    this.#history = history;
    this.#clock = clock;
  }

  get catalog(): Catalog {
    return this.#engine.catalog;
  }

  get inspection(): Inspection {
    return this.#engine.inspection;
  }

  async publish(call: Call, request: PublishRequest): Promise<PublishReceipt> {
    const publishedAt = this.#clock.wall();
    const receipt = await this.#engine.publish(call, request);
    this.#history.notePublished(request, receipt, publishedAt);
    return receipt;
  }

  async receive(call: Call, request: ReceiveRequest): Promise<Delivery[]> {
    const deliveries = await this.#engine.receive(call, request);
    this.#history.noteDelivered(request, deliveries);
    return deliveries;
  }

  async acknowledge(call: Call, request: AcknowledgeRequest): Promise<HandleOutcome[]> {
    const outcomes = await this.#engine.acknowledge(call, request);
    for (const { handle, refusal } of outcomes) if (refusal === undefined) this.#history.noteAcknowledged(handle);
    return outcomes;
  }

  async giveBack(call: Call, request: GiveBackRequest): Promise<void> {
    await this.#engine.giveBack(call, request);
    this.#history.noteGivenBack(request.handles);
  }

  async receiveHalf(call: Call, request: ReceiveHalfRequest): Promise<Delivery[]> {
    const deliveries = await this.#engine.receiveHalf(call, request);
    this.#history.noteOffered(deliveries);
    return deliveries;
  }

  async endTransaction(call: Call, request: EndTransactionRequest): Promise<HandleOutcome[]> {
    const outcomes = await this.#engine.endTransaction(call, request);
    for (const { handle, refusal } of outcomes) {
      if (refusal === undefined) this.#history.noteEnded(handle, request.resolution);
    }
    return outcomes;
  }

  settled(): Promise<void> {
    return this.#engine.settled();
  }

  stop(beforeClosing?: () => Promise<void>): Promise<void> {
    return this.#engine.stop(beforeClosing);
  }
}
