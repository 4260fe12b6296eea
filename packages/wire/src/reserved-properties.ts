import type { PropertyPair } from "./properties.ts";

/** The names that the protocol keeps for itself. */
export const KEYS = "KEYS";
export const START_DELIVER_TIME = "__STARTDELIVERTIME";
export const TRANS_CHECK_T = "__TransCheckT";
export const SHARDING_KEY = "__SHARDINGKEY";

/** The names under which a dead letter tells where it came from (DLQ-1); the first two are RocketMQ's. */
export const DLQ_ORIGIN_TOPIC = "DLQ_ORIGIN_TOPIC";
export const DLQ_ORIGIN_MESSAGE_ID = "DLQ_ORIGIN_MESSAGE_ID";
export const DLQ_REASON = "DLQ_REASON";
export const DLQ_ATTEMPTS = "DLQ_ATTEMPTS";

/** What the reserved properties of a publish ask for. */
export interface ReservedIntent {
  key?: string;
  shardingKey?: string;
  /** Epoch milliseconds. */
  deliverAt?: number;
  /** Whole seconds as sent; whoever carries it out knows the bounds (TX-1). */
  checkAfterSeconds?: number;
}

/** Reads the reserved properties; one that cannot be read is never ignored but refused, and quoted (PUB-9). */
export function readIntent(pairs: Iterable<PropertyPair>): { intent: ReservedIntent } | { reason: string } {
  let key = "";
  let shardingKey = "";
  let startDeliverTime = "";
  let transCheckT = "";
  for (const [name, value] of pairs) {
    if (name === KEYS) key = value;
    else if (name === SHARDING_KEY) shardingKey = value;
    else if (name === START_DELIVER_TIME) startDeliverTime = value;
    else if (name === TRANS_CHECK_T) transCheckT = value;
  }
  const deliverAt = readWhole(startDeliverTime);
  const checkAfter = readWhole(transCheckT);
  if (deliverAt === "unreadable") return unreadable(START_DELIVER_TIME, startDeliverTime, "milliseconds since 1970");
  if (checkAfter === "unreadable") return unreadable(TRANS_CHECK_T, transCheckT, "seconds, 10 to 300");
  return {
    intent: {
      ...(key ? { key } : {}),
      ...(shardingKey ? { shardingKey } : {}),
      ...(deliverAt === undefined ? {} : { deliverAt }),
      ...(checkAfter === undefined ? {} : { checkAfterSeconds: checkAfter }),
    },
  };
}

/** PUB-9: a fraction is cut down, an empty value is absent. */
function readWhole(text: string): number | undefined | "unreadable" {
  if (text === "") return undefined;
  if (!/^-?\d+(\.\d*)?$/.test(text)) return "unreadable";
  return Math.min(Math.max(Math.floor(Number(text)), 0), Number.MAX_SAFE_INTEGER);
}

function unreadable(name: string, given: string, wanted: string) {
  const quoted = given.length > 64 ? `${given.slice(0, 64)}…` : given;
  return { reason: `the property ${name} is "${quoted}"; it should be ${wanted}` };
}
