import type { Scenario } from "./scenario.ts";
import { kills } from "./scenarios/kills.ts";
import { pauses } from "./scenarios/pauses.ts";
import { powerCuts } from "./scenarios/power-cuts.ts";

export const SCENARIOS: readonly Scenario[] = [kills, powerCuts, pauses];
