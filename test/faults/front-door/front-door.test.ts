import { afterAll, it } from "vitest";
import { cleanUp } from "../../process/broker-process.ts";
import { run as manyConnections } from "./many-connections.ts";
import { run as memoryPressure } from "./memory-pressure.ts";
import { run as slowClients } from "./slow-clients.ts";
import { run as unreadRefusals } from "./unread-refusals.ts";

afterAll(cleanUp);

it("REQ-2.3: slow heads and silent clients are cut off after 10 s, and a well-behaved client is served beside them", async () => {
  await slowClients({ slowHeads: 100, slowBodies: 0, idle: 200, holdsPace: false });
});

it("DUR-2.1: more connections than there are descriptors leave those of the journal alone", async () => {
  await manyConnections({ connections: 500, descriptors: 400 });
});

it("REQ-2.2: large publishes at once wait in their sockets, each is answered, and memory stays bounded", async () => {
  await memoryPressure({ publishes: 40 });
});

it("REQ-2.2: large requests that are refused take no more memory than is shared", async () => {
  await unreadRefusals({ requests: 40 });
});
