import { BACKLOG } from "./backlog.ts";
import { IDLE_POLLS } from "./idle-polls.ts";
import { KINDS_OF_MESSAGES } from "./kinds.ts";
import { LATENCY } from "./latency.ts";
import { ORDERED } from "./ordered.ts";
import { PENDING } from "./pending.ts";
import { PUBLISH_AND_CONSUME } from "./publish-and-consume.ts";
import { START } from "./start.ts";
import type { Workload } from "./workload.ts";
import type { WorkloadName } from "./workload-names.ts";

/** `consume` needs what `publish` left behind, so both come from one. */
export const WORKLOADS: Readonly<Record<WorkloadName, Workload>> = {
  publish: PUBLISH_AND_CONSUME,
  consume: PUBLISH_AND_CONSUME,
  latency: LATENCY,
  kinds: KINDS_OF_MESSAGES,
  ordered: ORDERED,
  start: START,
  "idle-polls": IDLE_POLLS,
  pending: PENDING,
  backlog: BACKLOG,
};
