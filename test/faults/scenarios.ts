import type { Scenario } from "./scenario.ts";
import { backups } from "./scenarios/backups.ts";
import { bitFlips } from "./scenarios/bit-flips.ts";
import { clockJumps } from "./scenarios/clock-jumps.ts";
import { delayed } from "./scenarios/delayed.ts";
import { dyingClients } from "./scenarios/dying-clients.ts";
import { failingSyncs } from "./scenarios/failing-syncs.ts";
import { manyConnections, memoryPressure, slowClients, unreadRefusals } from "./scenarios/front-door.ts";
import { fullDisk } from "./scenarios/full-disk.ts";
import { kills } from "./scenarios/kills.ts";
import { ordered } from "./scenarios/ordered.ts";
import { pauses } from "./scenarios/pauses.ts";
import { powerCuts } from "./scenarios/power-cuts.ts";
import { slowDisk } from "./scenarios/slow-disk.ts";
import { tornWrites } from "./scenarios/torn-writes.ts";
import { transactions } from "./scenarios/transactions.ts";

export const SCENARIOS: readonly Scenario[] = [
  kills,
  powerCuts,
  tornWrites,
  bitFlips,
  failingSyncs,
  fullDisk,
  slowDisk,
  pauses,
  clockJumps,
  dyingClients,
  ordered,
  transactions,
  delayed,
  backups,
  slowClients,
  manyConnections,
  memoryPressure,
  unreadRefusals,
];
