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

/** An engine that can be exchanged for an empty one while doors are open, for tests. Long polls end with nothing. */
export class ResettableEngine implements Engine {
  readonly #openEmpty: () => Promise<Engine>;
  #engine: Engine;
  /** Verbs wait for a reset that is under way. */
  #ready: Promise<void> = Promise.resolve();

  constructor(engine: Engine, openEmpty: () => Promise<Engine>) {
    this.#engine = engine;
    this.#openEmpty = openEmpty;
  }

  get catalog(): Catalog {
    return this.#engine.catalog;
  }

  get inspection(): Inspection {
    return this.#engine.inspection;
  }

  /** Forgets everything that `openEmpty` does not bring along. */
  reset(): Promise<void> {
    const done = this.#ready.then(async () => {
      await this.#engine.stop();
      this.#engine = await this.#openEmpty();
    });
    this.#ready = done.catch(() => undefined);
    return done;
  }

  async publish(call: Call, request: PublishRequest): Promise<PublishReceipt> {
    await this.#ready;
    return this.#engine.publish(call, request);
  }

  async receive(call: Call, request: ReceiveRequest): Promise<Delivery[]> {
    await this.#ready;
    return this.#engine.receive(call, request);
  }

  async acknowledge(call: Call, request: AcknowledgeRequest): Promise<HandleOutcome[]> {
    await this.#ready;
    return this.#engine.acknowledge(call, request);
  }

  async giveBack(call: Call, request: GiveBackRequest): Promise<void> {
    await this.#ready;
    return this.#engine.giveBack(call, request);
  }

  async receiveHalf(call: Call, request: ReceiveHalfRequest): Promise<Delivery[]> {
    await this.#ready;
    return this.#engine.receiveHalf(call, request);
  }

  async endTransaction(call: Call, request: EndTransactionRequest): Promise<HandleOutcome[]> {
    await this.#ready;
    return this.#engine.endTransaction(call, request);
  }

  async settled(): Promise<void> {
    await this.#ready;
    return this.#engine.settled();
  }

  async stop(beforeClosing?: () => Promise<void>): Promise<void> {
    await this.#ready;
    return this.#engine.stop(beforeClosing);
  }
}
