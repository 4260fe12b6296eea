import { BrokerError } from "./broker-error.ts";

/** A topic in its instance. */
export interface TopicRef {
  readonly instance: string;
  readonly topic: string;
}

/** A consumer group in its instance. */
export interface GroupRef {
  readonly instance: string;
  readonly group: string;
}

const DEAD_LETTER_PREFIX = "%DLQ%";
const NAME = /^[A-Za-z0-9_%|-]{1,64}$/;

/** The topic that gets what this group could not consume (DLQ-1). */
export function deadLetterTopicOf(group: GroupRef): TopicRef {
  return { instance: group.instance, topic: DEAD_LETTER_PREFIX + group.group };
}

/** The group whose dead letters this topic holds, if it is a dead-letter topic. */
export function groupOfDeadLetterTopic(ref: TopicRef): GroupRef | undefined {
  if (!ref.topic.startsWith(DEAD_LETTER_PREFIX)) return undefined;
  return { instance: ref.instance, group: ref.topic.slice(DEAD_LETTER_PREFIX.length) };
}

/** Refuses a name that no topic can have. */
export function checkTopicName(name: string): void {
  const ofGroup = name.startsWith(DEAD_LETTER_PREFIX) ? name.slice(DEAD_LETTER_PREFIX.length) : name;
  if (NAME.test(ofGroup)) return;
  throw new BrokerError(
    "invalid-argument",
    `The topic name ${quote(name)} is not legal: 1 to 64 letters, digits, "_", "-", "%" or "|".`,
  );
}

/** Refuses a name that no consumer group can have. */
export function checkGroupName(name: string): void {
  if (NAME.test(name)) return;
  throw new BrokerError(
    "invalid-argument",
    `The consumer group ${quote(name)} is not legal: 1 to 64 letters, digits, "_", "-", "%" or "|".`,
  );
}

/** Refuses a name that no instance can have. */
export function checkInstanceName(name: string): void {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(name)) return;
  throw new BrokerError(
    "invalid-argument",
    `The instance ${quote(name)} is not legal: 1 to 64 letters, digits, "_" or "-".`,
  );
}

function quote(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}
