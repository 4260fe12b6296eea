/** The names of properties that the protocol keeps for itself. Users say what they mean by fields of a message. */
export const KEYS = "KEYS";
export const START_DELIVER_TIME = "__STARTDELIVERTIME";
export const TRANS_CHECK_T = "__TransCheckT";
export const SHARDING_KEY = "__SHARDINGKEY";

/** For a refusal: the field that stands for each. */
export const FIELD_OF: Readonly<Record<string, string>> = {
  [KEYS]: "key",
  [START_DELIVER_TIME]: "deliverAt",
  [TRANS_CHECK_T]: "checkAfter",
  [SHARDING_KEY]: "shardingKey",
};
