/** A promise was broken; the message begins with the number of its rule. */
export class Violation extends Error {}

export function violated(rule: string, sentence: string): never {
  throw new Violation(`${rule}: ${sentence}`);
}
