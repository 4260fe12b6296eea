import type { Delivery, Engine } from "../../src/engine/engine.ts";
import type { Spoil } from "./simulated-broker.ts";

/** Engines that break one promise each. A model that does not notice is blind. */
export const SPOILT: Readonly<Record<string, Spoil>> = {
  "drops every acknowledgement": (engine) =>
    replacing(engine, { acknowledge: async (_call, { handles }) => handles.map((handle) => ({ handle })) }),
  "commits what was rolled back": (engine) =>
    replacing(engine, {
      endTransaction: (call, request) => engine.endTransaction(call, { ...request, resolution: "commit" }),
    }),
  "opens the gate of ordered polls": (engine) =>
    replacing(engine, { receive: (call, request) => engine.receive(call, { ...request, mode: "concurrent" }) }),
  "confirms without storing": (engine) => {
    let published = 0;
    return replacing(engine, {
      publish: async (call, request) => {
        published += 1;
        if (published % 10 > 0 || request.intent.kind === "transactional") return engine.publish(call, request);
        return { messageId: `${published}`.padStart(32, "F") };
      },
    });
  },
  "delivers delayed messages at once": (engine) =>
    replacing(engine, {
      publish: (call, request) =>
        engine.publish(call, request.intent.kind === "delayed" ? { ...request, intent: { kind: "normal" } } : request),
    }),
  "forgets what was given back": (engine) => replacing(engine, { giveBack: async () => {} }),
  "hides for half the time": (engine) =>
    replacing(engine, { receive: (call, request) => engine.receive(call, { ...request, invisibleFor: 1_000 }) }),
  "turns batches round": (engine) =>
    replacing(engine, { receive: async (call, request) => (await engine.receive(call, request)).reverse() }),
  "changes a body": (engine) =>
    replacing(engine, { receive: async (call, request) => (await engine.receive(call, request)).map(changed) }),
  "ignores tags": (engine) =>
    replacing(engine, { receive: (call, request) => engine.receive(call, { ...request, tags: "*" }) }),
  "counts every attempt as the first": (engine) =>
    replacing(engine, {
      receive: async (call, request) =>
        (await engine.receive(call, request)).map((delivery) => ({ ...delivery, attempt: 1 })),
    }),
  "loses checks": (engine) => replacing(engine, { receiveHalf: async () => [] }),
};

function replacing(engine: Engine, verbs: Partial<Engine>): Engine {
  return {
    catalog: engine.catalog,
    inspection: engine.inspection,
    publish: (call, request) => engine.publish(call, request),
    receive: (call, request) => engine.receive(call, request),
    acknowledge: (call, request) => engine.acknowledge(call, request),
    giveBack: (call, request) => engine.giveBack(call, request),
    receiveHalf: (call, request) => engine.receiveHalf(call, request),
    endTransaction: (call, request) => engine.endTransaction(call, request),
    settled: () => engine.settled(),
    stop: () => engine.stop(),
    ...verbs,
  };
}

function changed(delivery: Delivery): Delivery {
  return { ...delivery, message: { ...delivery.message, body: `${delivery.message.body} ` } };
}
