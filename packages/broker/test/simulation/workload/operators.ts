import { INSTANCE } from "../../conformance/bench.ts";
import type { Conversation } from "./conversation.ts";
import { groupRef, settingsOf, TOPICS, topicRef } from "./topics.ts";

/** Declare topics and groups, and change their settings. */
export class Operators {
  readonly #talk: Conversation;

  constructor(talk: Conversation) {
    this.#talk = talk;
  }

  /** What a broker is started with. Tells when it was confirmed. */
  declareAll(groups: readonly string[], confirmed: () => void): void {
    const { model, engine } = this.#talk;
    const topics = TOPICS.map(({ name, kind, queues }) => ({
      ref: topicRef(name),
      kind,
      ...(kind === "ordered" ? { queues } : {}),
    }));
    const declared = groups
      .map((name) => model.group(name))
      .filter(({ from }) => from === "earliest")
      .map((group) => ({ ref: groupRef(group.name), settings: settingsOf(group) }));
    const answer = engine.catalog.declare({ instances: [INSTANCE], topics, groups: declared });
    this.#talk.ask("declare", answer, { answered: confirmed, lost: () => {}, refused: () => {} });
  }

  declareGroup(name: string, maxRetries: number): void {
    const { model, engine } = this.#talk;
    const group = model.group(name);
    const before = group.maxRetries;
    const settings = settingsOf({ ...group, maxRetries: [maxRetries] });
    group.maxRetries = [...new Set([...before, maxRetries])];
    const answer = engine.catalog.declare({ instances: [], topics: [], groups: [{ ref: groupRef(name), settings }] });
    this.#talk.ask(`declare ${name} with ${maxRetries} retries`, answer, {
      answered: () => {
        group.maxRetries = [maxRetries];
        model.groupDeclared(group, true);
      },
      lost: () => model.groupDeclared(group, false),
      refused: () => {
        group.maxRetries = before;
      },
    });
  }
}
