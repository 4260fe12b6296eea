import { grouped } from "../domain/grouped.ts";
import type { TopicRef } from "../domain/names.ts";
import { describeDuration } from "../domain/time.ts";
import type { TopicKind } from "../domain/topic.ts";
import type { Log, LogFields, LogLevel } from "../runtime/log.ts";
import type { Fact, MessagesDelivered, Position } from "./journal/fact.ts";
import type { MessageReader } from "./message-reader.ts";
import type { PollMemory } from "./poll-memory.ts";
import type { Ledger } from "./state/ledger.ts";
import type { Subscription } from "./state/subscription.ts";

/** One event of one message, before the message itself is read. */
interface Line {
  readonly event: string;
  /** Where the message stands; without it there is no line. */
  readonly position: Position | undefined;
  readonly fields: LogFields;
  /** Unless it is that of the others. */
  readonly level?: LogLevel;
}

const MAX_WAITING = 10_000;

/** What a subscription is told once, and why. */
const SAID_ONCE = {
  // ORD-8
  "subscription.polled-both-ways":
    "this group polls this topic both in order and not: a plain poll does not obey the gate, and the order is lost",
  // DEL-15
  "subscription.full": "too many deliveries are unacknowledged: only what is due again comes until there are fewer",
} as const;

/** One log line for each thing that happens to a message; never its body (RUN-3). Costs nothing where nobody would see it. */
export class MessageLog {
  readonly #ledger: Ledger;
  readonly #messages: MessageReader;
  readonly #log: Log;
  readonly #level: LogLevel;
  readonly #mismatches = new Set<string>();
  /** Lines come in the order of the facts, though their messages are read from disk. */
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #dropped = 0;

  constructor(ledger: Ledger, messages: MessageReader, log: Log, level: LogLevel) {
    this.#ledger = ledger;
    this.#messages = messages;
    this.#log = log;
    this.#level = level;
  }

  /** To be called right after the facts were applied. */
  note(facts: readonly Fact[], positions: readonly Position[]): void {
    for (const fact of facts) {
      this.#noteTopic(fact);
      this.#noteEnd(fact);
      if (fact.kind === "messages-delivered") this.#noteBlocked(fact);
    }
    if (!this.#log.isEnabled(this.#level)) return;
    for (const [index, fact] of facts.entries()) {
      for (const line of this.#linesOf(fact, positions[index] ?? 0)) this.#queue(line);
    }
  }

  /** PUB-2: said once for each topic and kind. */
  sayMismatch(ref: TopicRef, { topic, message }: { readonly topic: TopicKind; readonly message: TopicKind }): void {
    const key = `${ref.instance}/${ref.topic}/${message}`;
    if (this.#mismatches.has(key)) return;
    this.#mismatches.add(key);
    const sentence = `topic ${ref.topic} is ${topic}, a message for it was ${message}: let through (typeCheck: warn)`;
    this.#log.write("warn", "topic.kind-mismatch", { sentence, ...ref, topicKind: topic, messageKind: message });
  }

  /** What one subscription is told once. */
  sayOnce(memory: PollMemory, event: keyof typeof SAID_ONCE, { topic, group }: Subscription): void {
    if (memory.said.has(event)) return;
    memory.said.add(event);
    const names = { topic: this.#topicName(topic), group: this.#groupName(group) };
    this.#log.write("warn", event, { sentence: SAID_ONCE[event], ...names });
  }

  #noteTopic(fact: Fact): void {
    if (fact.kind !== "topic-created" && fact.kind !== "topic-changed") return;
    if (fact.origin !== "use" || fact.topicKind === undefined) return;
    const ref = this.#ledger.topicById(fact.topic)?.ref;
    const { topicKind, queues } = fact;
    const shards = `: ${queues} message queues by sharding key; globally ordered in the cloud? Declare queues: 1`;
    const sentence = `topic ${ref?.topic} is ${topicKind} from its first message${queues > 1 ? shards : ""}`;
    this.#log.write("info", "topic.kind-set", { sentence, ...ref, topicKind, queues });
  }

  /** What ended by itself: too old, too much, or idle. */
  #noteEnd(fact: Fact): void {
    if (fact.kind === "messages-dropped") {
      const { queue, reason, missed } = fact;
      const names = { topic: this.#topicName(fact.topic), queue, reason, count: fact.upTo - fact.from };
      this.#log.write("info", "messages.dropped", names);
      for (const { group, unread, unacknowledged } of missed) {
        const fields = { topic: names.topic, group: this.#groupName(group), reason, unread, unacknowledged };
        const count = grouped(unread + unacknowledged);
        const sentence = `${fields.group} has missed ${count} of the messages of ${fields.topic} that were dropped for their ${reason}`;
        this.#log.write("warn", "messages.missed", { sentence, ...fields });
      }
    } else if (fact.kind === "half-message-dropped") {
      this.#log.write("info", "message.half-dropped", { topic: this.#topicName(fact.topic) });
    } else if (fact.kind === "topic-forgotten" || fact.kind === "group-forgotten") {
      this.#log.write("info", fact.kind.replace("-", "."), { ...fact.ref });
    } else if (fact.kind === "wall-clock-stepped") {
      const { from, to } = fact;
      const by = describeDuration(Math.round(Math.abs(to - from) / 1_000) * 1_000);
      const sentence = `the wall clock was set ${to < from ? "back" : "forward"} by ${by}; nothing is dropped for its age for a while`;
      this.#log.write("warn", "clock.stepped", { sentence, from: toIso(from), to: toIso(to) });
    }
  }

  /** ORD-6: a message that would be a dead letter by now comes again and again instead. */
  #noteBlocked({ topic, group, queue, deliveries }: MessagesDelivered): void {
    const maxAttempts = this.#ledger.maxAttempts(topic, group);
    for (const { offset, attempt } of deliveries) {
      if (attempt <= maxAttempts) continue;
      const position = this.#positionOf(topic, queue, offset);
      const fields = { topic: this.#topicName(topic), queue, group: this.#groupName(group), attempt };
      this.#queue({ event: "message.blocked", position, fields, level: "warn" });
    }
  }

  /** Lines wait for their messages to be read; where that lags, they are dropped and counted. */
  #queue(line: Line): void {
    if (this.#waiting >= MAX_WAITING) {
      this.#dropped += 1;
      return;
    }
    this.#waiting += 1;
    this.#last = this.#last.then(async () => {
      await this.#write(line);
      this.#waiting -= 1;
      if (this.#waiting > 0 || this.#dropped === 0) return;
      const sentence = `${this.#dropped} lines about messages were dropped: they came faster than messages can be read`;
      this.#dropped = 0;
      this.#log.write("warn", "message.lines-dropped", { sentence });
    });
  }

  async #write({ event, position, fields, level = this.#level }: Line): Promise<void> {
    try {
      if (position === undefined) return;
      const { messageId, message } = await this.#messages.read(position);
      const tag = message.tag === "" ? undefined : message.tag;
      this.#log.write(level, event, { id: messageId, ...fields, tag, key: message.key });
    } catch (error) {
      // The journal has failed or is closed, and says so itself.
      this.#log.write("debug", "message.unread", { event, reason: String(error) });
    }
  }

  #linesOf(fact: Fact, position: Position): Line[] {
    const at = { topic: "topic" in fact ? this.#topicName(fact.topic) : "" };
    switch (fact.kind) {
      case "message-stored":
        return [{ event: "message.published", position, fields: { ...at, queue: fact.queue } }];
      case "delayed-message-stored":
        return [{ event: "message.published", position, fields: { ...at, deliverAt: toIso(fact.deliverAt) } }];
      case "delayed-message-released":
        return [
          {
            event: "message.released",
            position: this.#positionOf(fact.topic, fact.queue, fact.offset),
            fields: { ...at, queue: fact.queue },
          },
        ];
      case "half-message-stored":
        return [{ event: "message.half", position, fields: { ...at, firstCheckAt: toIso(fact.firstCheckAt) } }];
      case "half-message-offered": {
        const fields = { ...at, attempt: fact.check, visibleAgainAt: toIso(fact.until) };
        return [{ event: "message.checked", position: this.#halfPosition(fact.topic, fact.id), fields }];
      }
      case "transaction-ended": {
        const event = fact.resolution === "commit" ? "message.committed" : "message.rolled-back";
        return [{ event, position: this.#halfPosition(fact.topic, fact.id), fields: at }];
      }
      case "transaction-abandoned":
        return [{ event: "message.abandoned", position: this.#halfPosition(fact.topic, fact.id), fields: at }];
      case "messages-delivered":
        return fact.deliveries.map(({ offset, attempt }) => ({
          event: attempt === 1 ? "message.delivered" : "message.redelivered",
          position: this.#positionOf(fact.topic, fact.queue, offset),
          fields: {
            ...at,
            queue: fact.queue,
            group: this.#groupName(fact.group),
            attempt,
            visibleAgainAt: toIso(fact.until),
          },
        }));
      case "deliveries-acknowledged":
      case "deliveries-given-back":
        return fact.offsets.map((offset) => ({
          event: fact.kind === "deliveries-acknowledged" ? "message.acknowledged" : "message.given-back",
          position: this.#positionOf(fact.topic, fact.queue, offset),
          fields: { ...at, queue: fact.queue, group: this.#groupName(fact.group) },
        }));
      case "message-dead-lettered":
        return [
          {
            event: "message.dead-lettered",
            position,
            fields: { ...at, queue: fact.queue, group: this.#groupName(fact.group), attempt: fact.attempts },
          },
        ];
      default:
        return [];
    }
  }

  #positionOf(topic: number, queue: number, offset: number): Position | undefined {
    const messages = this.#ledger.topicById(topic)?.queues[queue];
    return messages?.has(offset) ? messages.positionOf(offset) : undefined;
  }

  #halfPosition(topic: number, id: number): Position | undefined {
    return this.#ledger.half(topic, id)?.position;
  }

  #topicName(id: number): string {
    return this.#ledger.topicById(id)?.ref.topic ?? `#${id}`;
  }

  #groupName(id: number): string {
    return this.#ledger.groupById(id)?.ref.group ?? `#${id}`;
  }
}

function toIso(at: number): string {
  return new Date(at).toISOString();
}
