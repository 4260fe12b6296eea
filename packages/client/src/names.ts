import { InvalidArgumentError } from "./errors/invalid-argument-error.ts";

/** The broker's rules for names, in the broker's words. */

const DEAD_LETTER_PREFIX = "%DLQ%";
const NAME = /^[A-Za-z0-9_%|-]{1,64}$/;

export function checkTopicName(name: string): void {
  const ofGroup = name.startsWith(DEAD_LETTER_PREFIX) ? name.slice(DEAD_LETTER_PREFIX.length) : name;
  if (NAME.test(ofGroup)) return;
  throw new InvalidArgumentError(
    `The topic name ${quote(name)} is not legal: 1 to 64 letters, digits, "_", "-", "%" or "|".`,
  );
}

export function checkGroupName(name: string): void {
  if (NAME.test(name)) return;
  throw new InvalidArgumentError(
    `The consumer group ${quote(name)} is not legal: 1 to 64 letters, digits, "_", "-", "%" or "|".`,
  );
}

export function checkInstanceName(name: string): void {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(name)) return;
  throw new InvalidArgumentError(`The instance ${quote(name)} is not legal: 1 to 64 letters, digits, "_" or "-".`);
}

function quote(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}
