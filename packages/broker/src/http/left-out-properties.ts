import type { TopicRef } from "../domain/names.ts";
import type { Log } from "../runtime/log.ts";

const MAX_TOPICS_SAID = 1_000;
const MAX_NAME_IN_LOG = 100;

/** Says once per topic that a property will be left out of replies (PUB-9). */
export class LeftOutProperties {
  readonly #log: Log;
  readonly #said = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  say({ instance, topic }: TopicRef, property: string): void {
    const key = `${instance}/${topic}`;
    if (this.#said.has(key) || this.#said.size >= MAX_TOPICS_SAID) return;
    this.#said.add(key);
    this.#log.write("warn", "property.left-out", {
      instance,
      topic,
      property: property.slice(0, MAX_NAME_IN_LOG),
      sentence: "a colon in a property value: kept, but no SDK can read it: left out of replies",
    });
  }
}
