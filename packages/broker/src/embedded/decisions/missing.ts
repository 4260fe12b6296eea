import { BrokerError } from "../../domain/broker-error.ts";
import type { GroupRef, TopicRef } from "../../domain/names.ts";
import type { Ledger, TopicState } from "../state/ledger.ts";

export function missingTopic({ topic, instance }: TopicRef): BrokerError {
  return new BrokerError("topic-not-found", `There is no topic ${topic} in ${instance}.`);
}

export function missingGroup({ group, instance }: GroupRef): BrokerError {
  return new BrokerError("group-not-found", `There is no consumer group ${group} in ${instance}.`);
}

/** The topic, or the refusal. */
export function topicOrRefuse(ledger: Ledger, ref: TopicRef): TopicState {
  const topic = ledger.topic(ref);
  if (topic === undefined) throw missingTopic(ref);
  return topic;
}
