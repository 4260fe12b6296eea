import { run as crowdOfConnections } from "../front-door/many-connections.ts";
import { run as pressMemory } from "../front-door/memory-pressure.ts";
import { run as sendSlowly } from "../front-door/slow-clients.ts";
import { run as refuseUnread } from "../front-door/unread-refusals.ts";
import { scenario } from "../scenario.ts";

export const slowClients = scenario<NonNullable<Parameters<typeof sendSlowly>[0]>>({
  name: "slow-clients",
  does: "500 slow heads, 500 slow bodies and 2,000 silent connections beside a well-behaved client",
  short: { slowHeads: 500, slowBodies: 0, idle: 200, holdsPace: false, withinS: 300 },
  full: { withinS: 240 },
  cores: 0.5,
  run: sendSlowly,
});

export const manyConnections = scenario<NonNullable<Parameters<typeof crowdOfConnections>[0]>>({
  name: "many-connections",
  does: "10,000 connections from another process",
  short: { connections: 2_000, withinS: 300 },
  full: { withinS: 240 },
  run: crowdOfConnections,
});

export const memoryPressure = scenario<NonNullable<Parameters<typeof pressMemory>[0]>>({
  name: "memory-pressure",
  does: "200 publishes of 4 MB at once in 512 MiB of memory",
  short: { publishes: 40, withinS: 300 },
  full: { withinS: 240 },
  cores: 2,
  run: pressMemory,
});

export const unreadRefusals = scenario<NonNullable<Parameters<typeof refuseUnread>[0]>>({
  name: "unread-refusals",
  does: "200 large requests at once that are refused",
  short: { requests: 40, withinS: 300 },
  full: { withinS: 120 },
  run: refuseUnread,
});
