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
} from "../../src/engine/engine.ts";

export const DEFAULT_INSTANCE = "MQ_INST_dev";
export const MESSAGE_ID = "7F0000010A1B4C3D2E1F00112233AABB";

type Verb = "publish" | "receive" | "receiveHalf" | "acknowledge" | "endTransaction" | "giveBack";

interface Asked {
  readonly verb: Verb;
  readonly call: Call;
  readonly request: unknown;
}

/** An engine that does what the test says, and keeps what it was asked. */
export class ScriptedEngine implements Engine {
  readonly asked: Asked[] = [];
  readonly #watchers = new Set<() => void>();
  readonly instances = [DEFAULT_INSTANCE];
  readonly topics: string[] = [];

  onPublish: (request: PublishRequest, call: Call) => PublishReceipt | Promise<PublishReceipt> = () => ({
    messageId: MESSAGE_ID,
  });
  onReceive: (request: ReceiveRequest | ReceiveHalfRequest, call: Call) => Delivery[] | Promise<Delivery[]> = () => [];
  onHandles: (request: AcknowledgeRequest | EndTransactionRequest) => HandleOutcome[] = ({ handles }) =>
    handles.map((handle) => ({ handle }));
  onGiveBack: (request: GiveBackRequest) => void = () => {};

  readonly catalog: Catalog = {
    declare: async () => {},
    describeTopic: () => undefined,
    describeGroup: () => undefined,
    listInstances: () => this.instances,
    listTopics: () => this.topics,
  };
  readonly inspection: Inspection = {
    countSubscription: () => undefined,
    countTopic: () => undefined,
    listMessages: async () => ({ messages: [], isCut: false }),
    wallClockStep: undefined,
  };

  async publish(call: Call, request: PublishRequest): Promise<PublishReceipt> {
    this.#note({ verb: "publish", call, request });
    return this.onPublish(request, call);
  }

  async receive(call: Call, request: ReceiveRequest): Promise<Delivery[]> {
    this.#note({ verb: "receive", call, request });
    return this.onReceive(request, call);
  }

  async receiveHalf(call: Call, request: ReceiveHalfRequest): Promise<Delivery[]> {
    this.#note({ verb: "receiveHalf", call, request });
    return this.onReceive(request, call);
  }

  async acknowledge(call: Call, request: AcknowledgeRequest): Promise<HandleOutcome[]> {
    this.#note({ verb: "acknowledge", call, request });
    return this.onHandles(request);
  }

  async endTransaction(call: Call, request: EndTransactionRequest): Promise<HandleOutcome[]> {
    this.#note({ verb: "endTransaction", call, request });
    return this.onHandles(request);
  }

  async giveBack(call: Call, request: GiveBackRequest): Promise<void> {
    this.#note({ verb: "giveBack", call, request });
    this.onGiveBack(request);
  }

  async start(): Promise<void> {}

  async settled(): Promise<void> {}

  async stop(): Promise<void> {}

  /** The requests of one verb, oldest first. */
  requests<T = unknown>(verb: Verb): T[] {
    return this.asked.filter((asked) => asked.verb === verb).map(({ request }) => request as T);
  }

  /** Resolves when a verb has been asked so often. */
  async untilAsked(verb: Verb, times = 1): Promise<void> {
    while (this.requests(verb).length < times) await new Promise<void>((resolve) => this.#watchers.add(resolve));
  }

  #note(asked: Asked): void {
    this.asked.push(asked);
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
  }
}

export function aDelivery(changes: Partial<Delivery> & { body?: string } = {}): Delivery {
  const { body = "hello", ...delivery } = changes;
  return {
    messageId: MESSAGE_ID,
    message: { body, tag: "TagA", key: "order-1", properties: [["a", "1"]] },
    handle: "handle-1",
    publishedAt: 1_767_225_600_000,
    attempt: 1,
    firstDeliveredAt: 1_767_225_601_000,
    visibleAgainAt: 1_767_225_901_000,
    ...delivery,
  };
}
