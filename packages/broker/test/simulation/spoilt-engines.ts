import type { AppliedFact, DeliveriesGivenBack } from "../../src/embedded/journal/fact.ts";
import type { EngineSettings } from "../../src/embedded/settings.ts";
import type { Catalog, Delivery, Engine } from "../../src/engine/engine.ts";
import type { Disk, DiskFile } from "../../src/runtime/disk.ts";
import type { Spoil } from "./simulated-broker.ts";

/** Engines and disks that break one promise each. A model that does not notice is blind. */
export const SPOILT: Readonly<Record<string, Spoil>> = {
  "drops every acknowledgement": withVerbs(() => ({
    acknowledge: async (_call, { handles }) => handles.map((handle) => ({ handle })),
  })),
  "takes acknowledgements that come too late": withVerbs((engine) => ({
    acknowledge: async (call, request) => (await engine.acknowledge(call, request)).map(({ handle }) => ({ handle })),
  })),
  "commits what was rolled back": withVerbs((engine) => ({
    endTransaction: (call, request) => engine.endTransaction(call, { ...request, resolution: "commit" }),
  })),
  "opens the gate of ordered polls": withVerbs((engine) => ({
    receive: (call, request) => engine.receive(call, { ...request, mode: "concurrent" }),
  })),
  "confirms without storing": withVerbs((engine) => {
    let published = 0;
    return {
      publish: async (call, request) => {
        published += 1;
        if (published % 10 > 0 || request.intent.kind === "transactional") return engine.publish(call, request);
        return { messageId: `${published}`.padStart(32, "F") };
      },
    };
  }),
  "delivers delayed messages at once": withVerbs((engine) => ({
    publish: (call, request) =>
      engine.publish(call, request.intent.kind === "delayed" ? { ...request, intent: { kind: "normal" } } : request),
  })),
  "shows half messages before they are committed": withVerbs((engine) => ({
    publish: async (call, request) => {
      if (request.intent.kind !== "transactional") return engine.publish(call, request);
      await engine.publish(call, { ...request, intent: { kind: "normal" } });
      return engine.publish(call, request);
    },
  })),
  "puts every sharding key on one queue": withVerbs((engine) => ({
    publish: (call, request) =>
      engine.publish(
        call,
        request.intent.kind === "ordered" ? { ...request, intent: { kind: "ordered", shardingKey: "a" } } : request,
      ),
  })),
  "forgets what was given back": withVerbs(() => ({ giveBack: async () => {} })),
  "hides for half the time": withVerbs((engine) => ({
    receive: (call, request) => engine.receive(call, { ...request, invisibleFor: 1_000 }),
  })),
  "gives more than was asked for": withVerbs((engine) => ({
    receive: (call, request) => engine.receive(call, { ...request, maxMessages: request.maxMessages + 1 }),
  })),
  "sends away who waits": withVerbs((engine) => ({
    receive: (call, request) => engine.receive(call, { ...request, waitUpTo: 0 }),
  })),
  "turns batches round": withDeliveries((batch) => batch.toReversed()),
  "delivers twice in one batch": withDeliveries((batch) => batch.flatMap((delivery) => [delivery, delivery])),
  "keeps back the last of a batch": withDeliveries((batch) => batch.slice(0, -1)),
  "changes a body": withEachDelivery((delivery) => ({
    ...delivery,
    message: { ...delivery.message, body: `${delivery.message.body} ` },
  })),
  "loses properties": withEachDelivery((delivery) => ({
    ...delivery,
    message: { ...delivery.message, properties: [] },
  })),
  "gives each delivery a message id of its own": withEachDelivery((delivery) => ({
    ...delivery,
    messageId: `${delivery.attempt}${delivery.messageId.slice(1)}`,
  })),
  "counts every attempt as the first": withEachDelivery((delivery) => ({ ...delivery, attempt: 1 })),
  "forgets when it delivered first": withEachDelivery((delivery) => ({
    ...delivery,
    firstDeliveredAt: delivery.visibleAgainAt - 1,
  })),
  "ignores tags": withVerbs((engine) => ({
    receive: (call, request) => engine.receive(call, { ...request, tags: "*" }),
  })),
  "loses checks": withVerbs(() => ({ receiveHalf: async () => [] })),
  "asks about half messages twice": withVerbs((engine) => ({
    receiveHalf: async (call, request) => {
      const offers = await engine.receiveHalf(call, request);
      return [...offers, ...offers];
    },
  })),
  "never gives up a message": withVerbs((engine) => ({
    catalog: {
      ...portOf<Catalog>(engine.catalog),
      declare: (declarations) =>
        engine.catalog.declare({
          ...declarations,
          groups: declarations.groups.map(({ ref }) => ({ ref, settings: { maxRetries: 288, from: "earliest" } })),
        }),
    },
  })),
  "answers before the disk has it": withFiles((file) => ({ ...file, sync: async () => {} })),
  "goes on after a failed sync": withFiles((file) => ({ ...file, sync: () => file.sync().catch(() => {}) })),
  "drops what is too young": {
    settings: (settings) => ({ ...settings, retentionAge: Math.floor(settings.retentionAge / 2) }),
  },
  "keeps more than its size": {
    appliesTo: hasSizeLimit,
    settings: (settings) => ({ ...settings, retentionBytes: undefined }),
  },
  "drops what would fit": {
    appliesTo: hasSizeLimit,
    settings: (settings) => ({ ...settings, retentionBytes: (settings.retentionBytes ?? 0) / 2 }),
  },
  "holds in its ledger what its journal does not say": {
    ledger: (ledger) => {
      const apply = ledger.apply.bind(ledger);
      ledger.apply = (fact, position) => apply(isGivenBack(fact) ? { ...fact, why: "no-room" } : fact, position);
    },
  },
  "never syncs a name": { disk: (disk) => ({ ...portOf<Disk>(disk), syncDirectory: async () => {} }) },
};

function hasSizeLimit({ retentionBytes }: EngineSettings): boolean {
  return retentionBytes !== undefined;
}

function isGivenBack(fact: AppliedFact): fact is DeliveriesGivenBack {
  return fact.kind === "deliveries-given-back";
}

function withVerbs(verbs: (engine: Engine) => Partial<Engine>): Spoil {
  return { engine: (engine) => ({ ...engine, ...portOf<Engine>(engine), ...verbs(engine) }) };
}

function withDeliveries(change: (batch: Delivery[]) => Delivery[]): Spoil {
  return withVerbs((engine) => ({
    receive: async (call, request) => change(await engine.receive(call, request)),
  }));
}

function withEachDelivery(change: (delivery: Delivery) => Delivery): Spoil {
  return withDeliveries((batch) => batch.map(change));
}

function withFiles(change: (file: DiskFile) => DiskFile): Spoil {
  return {
    disk: (disk) => {
      const port = portOf<Disk>(disk);
      return { ...port, open: async (path, mode) => change(portOf(await port.open(path, mode))) };
    },
  };
}

/** What an object's class gives it as properties of a plain one, to be replaced. */
function portOf<Port extends Disk | DiskFile | Engine | Catalog>(port: Port): Port {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(port)) as (keyof Port)[];
  const properties = names.map((name) => {
    const value: unknown = port[name];
    return [name, typeof value === "function" ? value.bind(port) : value];
  });
  return Object.fromEntries(properties) as Port;
}
