import type { DurationMs } from "../domain/time.ts";
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
  ReceiptHandle,
  ReceiveHalfRequest,
  ReceiveRequest,
} from "../engine/engine.ts";
import { AnswerLost } from "../http/answer-lost.ts";
import type { Clock } from "../runtime/clock.ts";
import { handleRefusalOf, toRefusal } from "./fault-codes.ts";
import type { Errand, FaultEffect, Faults } from "./faults.ts";
import type { History } from "./history.ts";
import { RepeatedDeliveries } from "./repeated-deliveries.ts";

type Failure = Extract<FaultEffect, { readonly kind: "fail" }>;

export interface FaultyEngineParts {
  readonly engine: Engine;
  readonly faults: Faults;
  /** By which a delay is measured; it ends on whichever comes first (TIM-4). */
  readonly waitClocks: readonly [Clock, ...Clock[]];
  /** By which the engine measures invisible times. */
  readonly clock: Clock;
  /** Is told of deliveries that are made again. */
  readonly history: History;
}

/** Does what its engine does, but for the faults that a test has asked for. */
export class FaultyEngine implements Engine {
  readonly #engine: Engine;
  readonly #faults: Faults;
  readonly #parts: FaultyEngineParts;
  readonly #repeated = new RepeatedDeliveries();
  /** Ends each delay that is under way. */
  readonly #held = new Set<() => void>();

  constructor(parts: FaultyEngineParts) {
    this.#engine = parts.engine;
    this.#faults = parts.faults;
    this.#parts = parts;
  }

  get catalog(): Catalog {
    return this.#engine.catalog;
  }

  get inspection(): Inspection {
    return this.#engine.inspection;
  }

  publish(call: Call, request: PublishRequest): Promise<PublishReceipt> {
    const errand: Errand = { operation: "publish", topic: request.topic.topic };
    return this.#play(errand, call, () => this.#engine.publish(call, request), refuse);
  }

  receive(call: Call, request: ReceiveRequest): Promise<Delivery[]> {
    const errand: Errand = { operation: "receive", ...namesOf(request) };
    return this.#deliver(errand, call, request, () => this.#engine.receive(call, request));
  }

  receiveHalf(call: Call, request: ReceiveHalfRequest): Promise<Delivery[]> {
    const errand: Errand = { operation: "receiveHalf", ...namesOf(request) };
    return this.#deliver(errand, call, request, () => this.#engine.receiveHalf(call, request));
  }

  acknowledge(call: Call, request: AcknowledgeRequest): Promise<HandleOutcome[]> {
    const errand: Errand = { operation: "acknowledge", ...namesOf(request) };
    const carryOut = (handles: readonly ReceiptHandle[]) => this.#engine.acknowledge(call, { ...request, handles });
    return this.#end(errand, call, request.handles, carryOut);
  }

  endTransaction(call: Call, request: EndTransactionRequest): Promise<HandleOutcome[]> {
    const errand: Errand = { operation: request.resolution, ...namesOf(request) };
    const carryOut = (handles: readonly ReceiptHandle[]) => this.#engine.endTransaction(call, { ...request, handles });
    return this.#end(errand, call, request.handles, carryOut);
  }

  async giveBack(call: Call, request: GiveBackRequest): Promise<void> {
    const { repeated, others } = this.#repeated.takeBack(request);
    this.#parts.history.noteGivenBack(repeated);
    if (others.length > 0) await this.#engine.giveBack(call, { ...request, handles: others });
  }

  settled(): Promise<void> {
    return this.#engine.settled();
  }

  stop(beforeClosing?: () => Promise<void>): Promise<void> {
    this.forget();
    return this.#engine.stop(beforeClosing);
  }

  /** Clears every fault; what is delayed goes on. */
  forget(): void {
    this.#faults.clear();
    this.#repeated.clear();
    for (const release of [...this.#held]) release();
  }

  #deliver(
    errand: Errand,
    call: Call,
    request: ReceiveRequest | ReceiveHalfRequest,
    carryOut: () => Promise<Delivery[]>,
  ): Promise<Delivery[]> {
    const deliverOnceMore = async (): Promise<Delivery[]> => {
      const again = this.#repeated.take(errand, request.maxMessages, this.#parts.clock.now());
      if (again.length > 0) {
        this.#parts.history.noteDelivered(request, again);
        return again;
      }
      const deliveries = await carryOut();
      const isRepeated = deliveries.length > 0 && this.#faults.take("duplicate", errand) !== undefined;
      if (isRepeated) this.#repeated.keep(errand, deliveries);
      return deliveries;
    };
    return this.#play(errand, call, deliverOnceMore, refuse);
  }

  #end(
    errand: Errand,
    call: Call,
    handles: readonly ReceiptHandle[],
    carryOut: (handles: readonly ReceiptHandle[]) => Promise<HandleOutcome[]>,
  ): Promise<HandleOutcome[]> {
    const fail = async (failure: Failure): Promise<HandleOutcome[]> => {
      const refusal = handleRefusalOf(failure.code);
      if (refusal === undefined) return refuse(failure);
      const spared = handles.slice(failure.handles ?? handles.length);
      const struck = handles.slice(0, handles.length - spared.length);
      return [...struck.map((handle) => ({ handle, refusal })), ...(spared.length > 0 ? await carryOut(spared) : [])];
    };
    return this.#play(errand, call, () => carryOut(handles), fail);
  }

  async #play<Answer extends object>(
    errand: Errand,
    call: Call,
    carryOut: () => Promise<Answer>,
    fail: (failure: Failure) => Promise<Answer>,
  ): Promise<Answer> {
    if (this.#faults.take("lose-request", errand)) throw new AnswerLost();
    const failure = this.#faults.take("fail", errand);
    if (failure !== undefined) {
      await this.#delay(errand, call);
      return fail(failure);
    }
    const answer = await carryOut();
    // A poll that found nothing is no answer that anybody waits for.
    if (Array.isArray(answer) && answer.length === 0) return answer;
    await this.#delay(errand, call);
    if (this.#faults.take("lose-reply", errand)) throw new AnswerLost();
    return answer;
  }

  async #delay(errand: Errand, { signal }: Call): Promise<void> {
    const delay = this.#faults.take("delay", errand);
    if (delay !== undefined && !signal.aborted) await this.#hold(delay.by, signal);
  }

  #hold(by: DurationMs, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const release = (): void => {
        for (const alarm of alarms) alarm.cancel();
        signal.removeEventListener("abort", release);
        this.#held.delete(release);
        resolve();
      };
      const alarms = this.#parts.waitClocks.map((clock) => clock.alarm(clock.now() + by, release));
      signal.addEventListener("abort", release);
      this.#held.add(release);
    });
  }
}

async function refuse({ code, status }: Failure): Promise<never> {
  throw toRefusal(code, status === 503);
}

function namesOf({ topic, group }: Pick<EndTransactionRequest, "topic" | "group">): Omit<Errand, "operation"> {
  return { topic: topic.topic, ...(group === undefined ? {} : { group: group.group }) };
}
