import type { GroupSettings } from "../../../src/domain/consumer-group.ts";
import type { GroupRef, TopicRef } from "../../../src/domain/names.ts";
import type { TopicKind } from "../../../src/domain/topic.ts";
import { INSTANCE } from "../../conformance/bench.ts";
import type { ModelGroup } from "../model/model-world.ts";

/** One topic for each kind of message, and one with a single ordered queue. */
export const TOPICS: readonly { readonly name: string; readonly kind: TopicKind; readonly queues: number }[] = [
  { name: "plain", kind: "normal", queues: 1 },
  { name: "timed", kind: "delayed", queues: 1 },
  { name: "shards", kind: "ordered", queues: 4 },
  { name: "global", kind: "ordered", queues: 1 },
  { name: "half", kind: "transactional", queues: 1 },
];

export const KEYS = ["a", "b", "c", "i", "é"];
export const TAGS = ["", "a", "b", "c"];

export function topicRef(topic: string): TopicRef {
  return { instance: INSTANCE, topic };
}

export function groupRef(group: string): GroupRef {
  return { instance: INSTANCE, group };
}

export function settingsOf({ maxRetries, blocks, from }: ModelGroup): GroupSettings {
  return {
    maxRetries: maxRetries.at(-1) ?? 0,
    onExhausted: blocks ? "block" : "dead-letter",
    from: from === "earliest" ? "earliest" : "latest",
  };
}
