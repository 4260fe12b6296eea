import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { ask, bodiesOf, elementsOf, hintOf, verdictOf } from "./ask.ts";
import { BrokerProcess, cleanUp, newDirectory } from "./broker-process.ts";
import { type AnyRequest, acknowledge, poll, publish } from "./signed-request.ts";

const FILE = `version: 1
users:
  - name: orders-app
    keys: [ { id: orders-app, secret: { env: ORDERS_SECRET } } ]
instances:
  - id: MQ_INST_shop
    topics:
      - { name: order_events, kind: ordered, queues: 8 }
      - { name: payments, kind: transactional }
      - { name: mails, kind: normal }
    groups:
      - { id: GID_billing, invisibleFor: 7m, from: earliest }
`;

let broker: BrokerProcess;

beforeAll(async () => {
  const startedIn = await newDirectory();
  await writeFile(join(startedIn, "stagemq.yaml"), FILE);
  broker = await BrokerProcess.start({ command: "serve", startedIn, environment: { ORDERS_SECRET: "hush" } });
});

afterAll(async () => {
  await broker.stop();
  await cleanUp();
});

const signed = (request: AnyRequest): AnyRequest => ({ accessKeyId: "orders-app", secret: "hush", ...request });
const askSigned = (request: AnyRequest) => ask(broker, signed(request));

describe.concurrent("a broker that serves what its file declares", () => {
  it("tells no key in its ready line", ({ expect }) => {
    expect(broker.ready).toMatchObject({ event: "ready", instance: "MQ_INST_shop" });
    expect(Object.keys(broker.ready)).not.toContain("accessKeyId");
    expect(Object.keys(broker.ready)).not.toContain("accessKeySecret");
  });

  it("delivers to a declared group as it was declared", async ({ expect }) => {
    expect(verdictOf(await askSigned(publish("mails")))).toBe("201");
    const delivered = await askSigned(poll("mails", "GID_billing"));
    const [first, next] = ["FirstConsumeTime", "NextConsumeTime"].map((name) => Number(elementsOf(delivered, name)[0]));
    expect(Number(next) - Number(first)).toBe(420_000);
    expect(await bodiesOf(broker, signed(poll("mails", "GID_billing", "ns=MQ_INST_shop")))).toEqual([]);
  });

  it("REQ-1.3: refuses a key that nobody declared, dev's too", async ({ expect }) => {
    const response = await ask(broker, { ...publish("mails"), accessKeyId: "shop2" });
    expect(verdictOf(response)).toBe("403 InvalidAccessKeyId");
    expect(hintOf(response)).toBe("key id shop2 is not declared here (users: in stagemq.yaml).");
    expect(verdictOf(await ask(broker, publish("mails")))).toBe("403 InvalidAccessKeyId");
  });

  it("REQ-1.2: checks the declared one, and keeps what it signed for its log", async ({ expect }) => {
    const response = await askSigned({ ...publish("mails"), secret: "guess" });
    expect(verdictOf(response)).toBe("403 SignatureDoesNotMatch");
    expect(hintOf(response)).toMatch(/^usual causes: .* rewrites the path\.$/);
  });

  it("PUB-8.1: refuses a topic that nobody declared, and names the nearest", async ({ expect }) => {
    const response = await askSigned(publish("order_event", {}, "MQ_INST_shop"));
    expect(verdictOf(response)).toBe("404 TopicNotExist");
    expect(hintOf(response)).toBe(
      "declare order_event under instances → MQ_INST_shop → topics; nearest name: order_events.",
    );
    expect(verdictOf(await askSigned(poll("order_event", "GID_billing")))).toBe("404 TopicNotExist");
  });

  it("INS-1.3: an unknown instance is TopicNotExist, with a hint", async ({ expect }) => {
    const response = await askSigned(publish("mails", {}, "MQ_INST_typo"));
    expect(verdictOf(response)).toBe("404 TopicNotExist");
    expect(hintOf(response)).toBe("declare the instance MQ_INST_typo (instances: in stagemq.yaml).");
  });

  it("PUB-8.4: refuses a group that nobody declared, on polls and acknowledgements", async ({ expect }) => {
    expect(verdictOf(await askSigned(poll("mails", "GID_typo")))).toBe("404 SubscriptionNotExist");
    expect(verdictOf(await askSigned(acknowledge("mails", "GID_typo", "handle")))).toBe("404 SubscriptionNotExist");
  });

  it("PUB-2.4: refuses a message of the wrong kind, and names both", async ({ expect }) => {
    const response = await askSigned(publish("payments"));
    expect(verdictOf(response)).toBe("400 InvalidArgument");
    expect(hintOf(response)).toMatch(/payments is transactional.* normal .*__TransCheckT/);
  });

  it("ORD-1.4: refuses an ordered message without a key where there are several message queues", async ({ expect }) => {
    expect(verdictOf(await askSigned(publish("order_events")))).toBe("400 InvalidArgument");
    expect(verdictOf(await askSigned(publish("order_events", { properties: "__SHARDINGKEY:o-1|" })))).toBe("201");
  });

  it("logs no line per message unless debug is asked for", ({ expect }) => {
    expect(broker.logged("message.published")).toEqual([]);
  });
});
