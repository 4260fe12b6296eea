import type { Fact, Id } from "./journal/fact.ts";
import type { Ledger } from "./state/ledger.ts";

/** Where the polls of one group on one topic wait. */
export function subscriptionRoom(topic: Id, group: Id): string {
  return `${topic}/${group}`;
}

/** Where the polls for half messages of one topic wait. */
export function halfRoom(topic: Id): string {
  return `${topic}/half`;
}

/** DEL-7: the rooms in which somebody may now find what he waits for. */
export function roomsWokenBy(facts: readonly Fact[], ledger: Ledger): ReadonlySet<string> {
  const rooms = new Set<string>();
  for (const fact of facts) {
    switch (fact.kind) {
      case "message-stored":
      case "delayed-message-released":
      case "messages-dropped": // RET-1: it opens gates
        addSubscriptions(fact.topic, ledger, rooms);
        break;
      case "transaction-ended":
        if (fact.queue !== undefined) addSubscriptions(fact.topic, ledger, rooms);
        break;
      case "message-dead-lettered":
        addSubscriptions(fact.deadLetterTopic, ledger, rooms);
        rooms.add(subscriptionRoom(fact.topic, fact.group));
        break;
      case "deliveries-acknowledged":
      case "deliveries-given-back":
        rooms.add(subscriptionRoom(fact.topic, fact.group));
        break;
      default:
        break;
    }
  }
  return rooms;
}

function addSubscriptions(topic: Id, ledger: Ledger, rooms: Set<string>): void {
  for (const group of ledger.topicById(topic)?.subscriptions.keys() ?? []) rooms.add(subscriptionRoom(topic, group));
}
