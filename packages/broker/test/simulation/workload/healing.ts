import { violated } from "../model/violation.ts";
import type { Consumers } from "./consumers.ts";
import type { Conversation } from "./conversation.ts";
import { TOPICS } from "./topics.ts";
import type { Transactions } from "./transactions.ts";

const MAX_ROUNDS = 12;
const SHORT = 31_000;
const LONG = 3_600_000;

interface Subscribed {
  readonly topic: string;
  readonly group: string;
}

/** The end of a seed: patient clients on a healthy broker are given everything that they are owed (C14). */
export class Healing {
  readonly #talk: Conversation;
  readonly #consumers: Consumers;
  readonly #transactions: Transactions;
  readonly #groups: readonly string[];
  readonly #advance: (by: number) => Promise<void>;

  constructor(
    talk: Conversation,
    clients: { readonly consumers: Consumers; readonly transactions: Transactions },
    groups: readonly string[],
    advance: (by: number) => Promise<void>,
  ) {
    this.#talk = talk;
    this.#consumers = clients.consumers;
    this.#transactions = clients.transactions;
    this.#groups = groups;
    this.#advance = advance;
  }

  async drainAll(): Promise<void> {
    const { model } = this.#talk;
    const everything = this.#groups.flatMap((group) =>
      [...TOPICS.map(({ name }) => name), `%DLQ%${group}`].map((topic) => ({ topic, group })),
    );
    for (let round = 0; round < MAX_ROUNDS; round++) {
      await this.#endTransactions();
      const left = model.unfinished(this.#groups);
      const isLast = round > 1 && left.length === 0;
      // The first and the last look go everywhere: what is over must not come again.
      await this.#drain(round === 0 || isLast ? everything : distinct(left));
      if (isLast && model.unfinished(this.#groups).length === 0) return;
      await this.#advance(round < MAX_ROUNDS - 4 ? SHORT : LONG);
    }
    const left = model.unfinished(this.#groups).map(({ name, group }) => `${name} for ${group}`);
    violated("C14", `never delivered: ${left.slice(0, 5).join(", ")}`);
  }

  async #endTransactions(): Promise<void> {
    this.#transactions.check(16);
    await this.#talk.settle();
    for (const handle of this.#transactions.newest(16)) this.#transactions.end([handle], "commit");
    await this.#talk.settle();
  }

  /** Each until it is given nothing more; those of one group at once. */
  async #drain(subscriptions: readonly Subscribed[]): Promise<void> {
    for (const name of this.#groups) {
      for (let open = subscriptions.filter(({ group }) => group === name); open.length > 0; ) {
        this.#consumers.forgetOld();
        const before = this.#consumers.heldCount;
        for (const { topic, group } of open) {
          this.#consumers.receiveAll(topic, group, topic === "shards" || topic === "global");
        }
        await this.#talk.settle();
        const given = new Set(this.#consumers.acknowledgeSince(before));
        open = open.filter(({ topic }) => given.has(topic));
        if (open.length > 0) await this.#talk.settle();
      }
    }
  }
}

function distinct(subscriptions: readonly Subscribed[]): readonly Subscribed[] {
  const byName = subscriptions.map(({ topic, group }) => [`${topic} ${group}`, { topic, group }] as const);
  return [...new Map(byName).values()];
}
