import type { Conversation } from "./conversation.ts";
import { groupRef, topicRef } from "./topics.ts";

const RECENT = 10;

/** Ask which half messages are open, commit them and roll them back. */
export class Transactions {
  readonly #talk: Conversation;
  #handles: string[] = [];

  constructor(talk: Conversation) {
    this.#talk = talk;
  }

  hold(handle: string): void {
    this.#handles.push(handle);
  }

  newest(count: number): readonly string[] {
    return this.#handles.slice(-count);
  }

  check(maxMessages: number): void {
    const { model, engine } = this.#talk;
    const request = { topic: topicRef("half"), group: groupRef("GID_producer"), maxMessages, waitUpTo: 0 };
    this.#talk.ask(`check ${maxMessages}`, engine.receiveHalf(this.#talk.call(), request), {
      answered: (offers) => {
        model.halves.offered("half", offers, this.#talk.settledAt);
        this.#handles.push(...offers.map(({ handle }) => handle));
      },
      lost: () => model.halves.offerLost("half"),
      refused: () => {},
    });
  }

  endOne(): void {
    this.end(this.#draw(), this.#talk.dice.pick(["commit", "commit", "rollback"]));
  }

  end(handles: readonly string[], resolution: "commit" | "rollback"): void {
    if (handles.length === 0) return;
    const { model, engine } = this.#talk;
    const outcome = resolution === "commit" ? "committed" : "rolled-back";
    const request = { topic: topicRef("half"), handles, resolution };
    this.#talk.ask(
      `${resolution} ${handles.map((handle) => handle.slice(-6))}`,
      engine.endTransaction(this.#talk.call(), request),
      {
        answered: (outcomes) => model.halves.ended(outcomes, outcome),
        lost: () => model.halves.endLost(handles, outcome),
        refused: () => {},
      },
    );
  }

  /** A check and both resolutions of one handle at one instant. */
  race(): void {
    const handles = this.#draw();
    if (this.#talk.dice.oneIn(2)) this.check(16);
    this.end(handles, "commit");
    this.end(handles, "rollback");
    this.check(16);
    if (handles.length > 0) this.#talk.history.met("commit racing a check");
  }

  #draw(): readonly string[] {
    const recent = this.#handles.slice(-RECENT);
    return recent.length === 0 ? [] : [this.#talk.dice.pick(recent)];
  }
}
