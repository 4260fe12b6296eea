/** As in `--only`, in the order in which they are measured. */
export const WORKLOAD_NAMES = [
  "publish",
  "consume",
  "latency",
  "kinds",
  "ordered",
  "start",
  "idle-polls",
  "pending",
  "backlog",
] as const;

export type WorkloadName = (typeof WORKLOAD_NAMES)[number];
