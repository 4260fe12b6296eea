import type { Operation } from "@stagemq/wire";
import type { BrokerError } from "../domain/broker-error.ts";
import { nearestName } from "../domain/nearest-name.ts";
import type { Catalog } from "../engine/engine.ts";

export interface HintOptions {
  readonly defaultInstance: string;
  /** Whether instances and topics are made by their first use (dev). */
  readonly makeByUse: boolean;
}

/** What to tell the one whose request an engine refused: what was given and what would be right (REQ-5). */
export function hintFor(error: BrokerError, operation: Operation, catalog: Catalog, options: HintOptions): string {
  return error.code === "topic-not-found" ? missingTopicHint(operation, catalog, options) : error.message;
}

function missingTopicHint({ topic, instance: named }: Operation, catalog: Catalog, options: HintOptions): string {
  const instance = named ?? options.defaultInstance;
  // INS-2: nothing is told of other instances.
  if (!catalog.listInstances().includes(instance)) {
    if (options.makeByUse) return `nothing was sent to ${instance} yet.`;
    if (named !== undefined) return `declare the instance ${instance} (instances: in stagemq.yaml).`;
    return "the request named no instance: set the instance id in your SDK, or defaultInstance in stagemq.yaml.";
  }
  const nearest = nearestName(topic, catalog.listTopics(instance));
  if (nearest === undefined && named === undefined) {
    return `the request named no instance (default: ${options.defaultInstance}).`;
  }
  const advice = options.makeByUse
    ? `nothing was sent to ${topic} in ${instance} yet`
    : `declare ${topic} under instances → ${instance} → topics`;
  return nearest === undefined ? `${advice}.` : `${advice}; nearest name: ${nearest}.`;
}
