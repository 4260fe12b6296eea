import { BrokerError } from "../domain/broker-error.ts";
import type { GroupRef, TopicRef } from "../domain/names.ts";
import type { EpochMs } from "../domain/time.ts";
import type { Catalog, Declarations, GroupDescription, TopicDescription } from "../engine/engine.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Context } from "./decisions/context.ts";
import { decideCatalog } from "./decisions/decide-catalog.ts";
import type { Fact } from "./journal/fact.ts";
import type { LastUses } from "./last-uses.ts";
import type { Ledger } from "./state/ledger.ts";

/** Commits what the decision yields; resolves when the disk has it. */
type Commit = (decide: (context: Context) => readonly Fact[]) => Promise<void>;

/** What the ledger knows to exist. */
export class EmbeddedCatalog implements Catalog {
  readonly #ledger: Ledger;
  readonly #uses: LastUses;
  readonly #clock: Clock;
  readonly #commit: Commit;
  readonly #declaredInstances = new Set<string>();
  /** What there was no space for. */
  #waiting: readonly Declarations[] = [];

  constructor(ledger: Ledger, uses: LastUses, clock: Clock, commit: Commit) {
    this.#ledger = ledger;
    this.#uses = uses;
    this.#clock = clock;
    this.#commit = commit;
  }

  async declare(declarations: Declarations): Promise<void> {
    try {
      await this.#commit((context) => decideCatalog(this.#ledger, declarations, context));
    } catch (error) {
      if (!(error instanceof BrokerError && error.code === "storage-full")) throw error;
      this.#waiting = [...this.#waiting, declarations];
      throw error;
    } finally {
      for (const instance of declarations.instances) this.#declaredInstances.add(instance);
    }
  }

  /** To be called when there is space again. */
  goOn(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    // Who declared it has been told that it waits; a disk that fails, or is full again, says so itself.
    for (const declarations of waiting) this.declare(declarations).catch(() => undefined);
  }

  describeTopic(ref: TopicRef): TopicDescription | undefined {
    const topic = this.#ledger.topic(ref);
    if (topic === undefined) return undefined;
    const kind = topic.kind === undefined ? {} : { kind: topic.kind };
    return { ref: topic.ref, ...kind, queues: topic.queues.length, origin: topic.origin, ...this.#idleness(topic) };
  }

  describeGroup(ref: GroupRef): GroupDescription | undefined {
    const group = this.#ledger.group(ref);
    return group && { ref: group.ref, origin: group.origin, ...this.#idleness(group) };
  }

  listTopics(instance: string): readonly string[] {
    return [...this.#ledger.topics()].filter(({ ref }) => ref.instance === instance).map(({ ref }) => ref.topic);
  }

  /** GRP-1. */
  #idleness(owner: object): { readonly idleSince?: EpochMs } {
    const idleSince = this.#uses.knownAt(owner, this.#clock.now());
    return idleSince === undefined ? {} : { idleSince };
  }

  listInstances(): readonly string[] {
    return [...new Set([...this.#declaredInstances, ...[...this.#ledger.topics()].map(({ ref }) => ref.instance)])];
  }
}
