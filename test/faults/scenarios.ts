import type { Scenario } from "./scenario.ts";
import { bitFlips } from "./scenarios/bit-flips.ts";
import { failingSyncs } from "./scenarios/failing-syncs.ts";
import { kills } from "./scenarios/kills.ts";
import { pauses } from "./scenarios/pauses.ts";
import { powerCuts } from "./scenarios/power-cuts.ts";
import { tornWrites } from "./scenarios/torn-writes.ts";

export const SCENARIOS: readonly Scenario[] = [kills, powerCuts, tornWrites, bitFlips, failingSyncs, pauses];
