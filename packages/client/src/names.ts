import { InvalidArgumentError } from "./errors/invalid-argument-error.ts";
import { quote } from "./quote.ts";

/** The broker's rules for names, in the broker's words. What the types forbid, JavaScript allows. */

const DEAD_LETTER_PREFIX = "%DLQ%";
const NAME = /^[A-Za-z0-9_%|-]{1,64}$/;

export function checkTopicName(name: unknown): void {
  const ofGroup = isText(name) && name.startsWith(DEAD_LETTER_PREFIX) ? name.slice(DEAD_LETTER_PREFIX.length) : name;
  if (isText(ofGroup) && NAME.test(ofGroup)) return;
  throw new InvalidArgumentError(
    `The topic name ${quote(name)} is not legal: 1 to 64 letters, digits, "_", "-", "%" or "|".`,
  );
}

export function checkGroupName(name: unknown): void {
  if (isText(name) && NAME.test(name)) return;
  throw new InvalidArgumentError(
    `The consumer group ${quote(name)} is not legal: 1 to 64 letters, digits, "_", "-", "%" or "|".`,
  );
}

export function checkInstanceName(name: unknown): void {
  if (isText(name) && /^[A-Za-z0-9_-]{1,64}$/.test(name)) return;
  throw new InvalidArgumentError(`The instance ${quote(name)} is not legal: 1 to 64 letters, digits, "_" or "-".`);
}

function isText(name: unknown): name is string {
  return typeof name === "string";
}
