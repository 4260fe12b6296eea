import type { Delivery, Ending, History, Poll, Publication, Sort } from "./history.ts";

/** Judges a history by what a broker promises. Pure: knows no broker, and believes only what clients have seen. */

export type Property =
  | "never-published"
  | "lost"
  | "rolled-back"
  | "uncommitted"
  | "two-outcomes"
  | "order"
  | "gate"
  | "early"
  | "again"
  | "counting"
  | "handle"
  | "slow-start";

export interface Violation {
  readonly property: Property;
  readonly says: string;
}

/** Broker and clients read one clock, in whole milliseconds, and not at the same instant. */
const SLACK_MS = 10;

/** Everything that contradicts a promise. The history must end with a drain: all that came was ended, until nothing came. */
export function judge(history: History): Violation[] {
  const evidence = gather(history);
  return CHECKS.flatMap((check) => [...check(evidence)]);
}

type Violations = Generator<Violation, void>;

/** One delivery, the poll that brought it and what was asked for with its handle. */
interface Received {
  readonly delivery: Delivery;
  readonly poll: Poll;
  readonly endings: readonly Ending[];
}

/** One message in one group, or in its back-checks: its deliveries by ConsumedTimes. */
interface Track {
  readonly messageId: string;
  readonly received: Received[];
}

/** All that one group got of one topic, or all the back-checks of one topic, which have no group. */
interface Line {
  readonly name: string;
  readonly topic: string;
  readonly sort: Sort;
  /** By the instant at which the answer was there. */
  readonly polls: readonly Poll[];
  /** Polls without an answer: each may have delivered any message once more. */
  readonly lost: readonly Poll[];
  readonly tracks: ReadonlyMap<string, Track>;
}

interface Evidence {
  readonly history: History;
  readonly lines: readonly Line[];
  readonly publicationOf: ReadonlyMap<string, Publication>;
  /** By body; of a confirmed publish, or as somebody received it. */
  readonly messageIdOf: ReadonlyMap<string, string>;
  readonly endingsOf: ReadonlyMap<string, readonly Ending[]>;
}

function gather(history: History): Evidence {
  const endingsOf = groupBy(history.endings, ({ handle }) => handle);
  const lineName = ({ topic, group, sort }: Poll) => (sort === "half" ? `checks of ${topic}` : `${group} on ${topic}`);
  const lines = [...groupBy(history.polls, lineName)].map(([name, polls]) => lineOf(name, polls, endingsOf));
  const messageIdOf = new Map<string, string>();
  for (const { deliveries } of history.polls)
    for (const { body, messageId } of deliveries) messageIdOf.set(body, messageId);
  for (const { body, messageId } of history.publications) if (messageId) messageIdOf.set(body, messageId);
  const publicationOf = new Map(history.publications.map((publication) => [publication.body, publication]));
  return { history, lines, publicationOf, messageIdOf, endingsOf };
}

function lineOf(name: string, unsorted: readonly Poll[], endingsOf: ReadonlyMap<string, readonly Ending[]>): Line {
  const polls = unsorted.toSorted((a, b) => a.endedAt - b.endedAt);
  const { topic, sort } = polls[0] as Poll;
  const tracks = new Map<string, Track>();
  for (const poll of polls) {
    for (const delivery of poll.deliveries) {
      const { messageId, receiptHandle } = delivery;
      const track = tracks.get(messageId) ?? { messageId, received: [] };
      track.received.push({ delivery, poll, endings: endingsOf.get(receiptHandle) ?? [] });
      tracks.set(messageId, track);
    }
  }
  for (const { received } of tracks.values())
    received.sort((a, b) => a.delivery.consumedTimes - b.delivery.consumedTimes);
  return { name, topic, sort, polls, lost: polls.filter(({ outcome }) => outcome === "unknown"), tracks };
}

const CHECKS: readonly ((evidence: Evidence) => Violations)[] = [
  neverPublished,
  lost,
  endedOtherwise,
  order,
  gate,
  early,
  again,
  counting,
  handles,
  slowStart,
];

function* neverPublished({ lines, publicationOf, messageIdOf }: Evidence): Violations {
  for (const { name, topic, tracks } of lines) {
    for (const { messageId, received } of tracks.values()) {
      for (const { body } of received.map(({ delivery }) => delivery)) {
        const publication = publicationOf.get(body);
        if (publication?.topic === topic && publication.outcome !== "refused" && messageIdOf.get(body) === messageId)
          continue;
        yield {
          property: "never-published",
          says: `${name} got ${messageId}, "${head(body)}", which nobody published`,
        };
      }
    }
  }
}

/** PUB-1.2, DEL-1.1, TX-8.1: what was confirmed, or seen by anybody, came to every group until it was acknowledged. */
function* lost(evidence: Evidence): Violations {
  const { history, lines, messageIdOf } = evidence;
  for (const publication of history.publications) {
    const { topic, body, isHalf = false } = publication;
    const messageId = messageIdOf.get(body);
    if (messageId === undefined) continue;
    if (isHalf) {
      const fate = fateOf(evidence, publication);
      if (fate === "open") yield { property: "lost", says: `half message ${messageId} had no end and is gone` };
      if (fate !== "committed") continue;
    }
    for (const { name, tracks } of lines.filter((line) => line.topic === topic && line.sort !== "half")) {
      const received = tracks.get(messageId)?.received ?? [];
      if (received.some(({ endings }) => endings.some(mayHaveWorked))) continue;
      const what = received.length === 0 ? "never got" : "never could acknowledge";
      yield { property: "lost", says: `${name} ${what} ${messageId}, "${head(body)}"` };
    }
  }
}

/** A commit without an answer counts: had it not worked, the drain would have been asked again. */
function fateOf(evidence: Evidence, publication: Publication): "committed" | "rolled-back" | "open" {
  const endings = endingsOfHalf(evidence, publication).filter(mayHaveWorked);
  if (endings.some(({ as }) => as === "rollback")) return "rolled-back";
  return endings.length > 0 ? "committed" : "open";
}

function endingsOfHalf({ lines, messageIdOf, endingsOf }: Evidence, { topic, body, handle }: Publication): Ending[] {
  const checks = lines.find((line) => line.topic === topic && line.sort === "half");
  const checked = checks?.tracks.get(messageIdOf.get(body) ?? "")?.received ?? [];
  return [...(endingsOf.get(handle ?? "") ?? []), ...checked.flatMap(({ endings }) => endings)];
}

/** TX-1.2, TX-5: rolled back is never delivered, committed only after somebody asked for it, and never both. */
function* endedOtherwise(evidence: Evidence): Violations {
  for (const publication of evidence.history.publications.filter(({ isHalf }) => isHalf)) {
    const messageId = evidence.messageIdOf.get(publication.body);
    if (messageId === undefined) continue;
    const endings = endingsOfHalf(evidence, publication);
    const did = (as: Ending["as"]) => endings.some((ending) => ending.as === as && ending.outcome === "ok");
    const isRolledBack = did("rollback");
    if (isRolledBack && did("commit"))
      yield { property: "two-outcomes", says: `${messageId} was committed and rolled back` };
    const commits = endings.filter((ending) => ending.as === "commit" && mayHaveWorked(ending));
    const committedFrom = Math.min(...commits.map(({ invokedAt }) => invokedAt));
    for (const { name, topic, sort, tracks } of evidence.lines) {
      if (topic !== publication.topic || sort === "half") continue;
      const first = tracks.get(messageId)?.received[0];
      if (first === undefined) continue;
      if (isRolledBack) yield { property: "rolled-back", says: `${name} got ${messageId}, which was rolled back` };
      else if (first.poll.endedAt < committedFrom)
        yield { property: "uncommitted", says: `${name} got ${messageId} before anybody committed it` };
    }
  }
}

/** ORD-1.1: of one sharding key, what was confirmed before something else was published comes first. */
function* order({ lines, publicationOf }: Evidence): Violations {
  for (const { name, polls } of lines.filter(({ sort }) => sort === "ordered")) {
    const seen = new Set<string>();
    const newestOf = new Map<string, Publication>();
    for (const { messageId, body } of polls.flatMap(({ deliveries }) => deliveries)) {
      const publication = publicationOf.get(body);
      if (seen.has(messageId) || publication?.shardingKey === undefined) continue;
      seen.add(messageId);
      const newest = newestOf.get(publication.shardingKey);
      if (newest !== undefined && publication.outcome === "ok" && publication.endedAt < newest.invokedAt)
        yield {
          property: "order",
          says: `${name} got "${head(newest.body)}" before "${head(body)}", published earlier`,
        };
      if (newest === undefined || newest.invokedAt < publication.invokedAt)
        newestOf.set(publication.shardingKey, publication);
    }
  }
}

/** ORD-2, ORD-3, ORD-5: while a key has something without an end nothing newer comes, and then exactly that, in its order. */
function* gate({ lines, publicationOf, endingsOf }: Evidence): Violations {
  for (const { name, polls } of lines.filter(({ sort }) => sort === "ordered")) {
    const outstandingOf = new Map<string, Map<string, Delivery>>();
    // Its place lasts, also of a message that an acknowledgement without an answer only seemed to have ended.
    const places = new Map<string, number>();
    const placeOf = ({ messageId }: Delivery) => places.get(messageId) ?? 0;
    for (const { deliveries, endedAt } of polls) {
      const batches = groupBy(deliveries, ({ body }) => publicationOf.get(body)?.shardingKey ?? "");
      for (const [key, batch] of batches) {
        const says = (what: string): Violation => ({ property: "gate", says: `${name}, key "${key}": ${what}` });
        const delivered = outstandingOf.get(key) ?? new Map<string, Delivery>();
        outstandingOf.set(key, delivered);
        const hasEnded = ({ receiptHandle }: Delivery) =>
          (endingsOf.get(receiptHandle) ?? []).some((ending) => mayHaveWorked(ending) && ending.invokedAt <= endedAt);
        for (const { messageId } of batch) if (!places.has(messageId)) places.set(messageId, places.size);
        const outstanding = [...delivered.values()]
          .filter((delivery) => !hasEnded(delivery))
          .toSorted((a, b) => placeOf(a) - placeOf(b));

        const fresh = batch.filter(({ consumedTimes }) => consumedTimes === 1);
        const [first] = fresh;
        if (first !== undefined && outstanding[0] !== undefined)
          yield says(`"${head(first.body)}" came while "${head(outstanding[0].body)}" had no end`);
        if (first !== undefined && fresh.length < batch.length)
          yield says(`"${head(first.body)}" joined messages that came again`);
        const hidden = outstanding.find(({ nextConsumeTime }) => nextConsumeTime > endedAt + SLACK_MS);
        if (hidden) yield says(`"${head(hidden.body)}" was in flight when something came`);

        const ids = new Set(outstanding.map(({ messageId }) => messageId));
        const cameAgain = batch.filter(({ messageId }) => ids.has(messageId));
        const isInOrder = cameAgain.every(({ messageId }, index) => messageId === outstanding[index]?.messageId);
        if (!isInOrder) yield says(`"${cameAgain.map(({ body }) => head(body)).join('", "')}" came again out of order`);

        for (const delivery of delivered.values()) if (hasEnded(delivery)) delivered.delete(delivery.messageId);
        for (const delivery of batch) delivered.set(delivery.messageId, delivery);
      }
    }
  }
}

/** DEL-3, DEL-10.2, TX-8.1: NextConsumeTime is as far ahead as it must be, and holds; so does the immunity. */
function* early({ history, lines, publicationOf }: Evidence): Violations {
  const { invisibleFor, immunity } = history.settings;
  for (const { name, sort, tracks } of lines) {
    for (const { messageId, received } of tracks.values()) {
      let hiddenUntil = Number.NEGATIVE_INFINITY;
      const { invokedAt = hiddenUntil } = publicationOf.get(received[0]?.delivery.body ?? "") ?? {};
      if (sort === "half") hiddenUntil = invokedAt + immunity;
      for (const { delivery, poll } of received) {
        const tooEarly = Math.round(hiddenUntil - poll.endedAt);
        if (tooEarly > SLACK_MS) yield { property: "early", says: `${name} got ${messageId} ${tooEarly} ms too early` };
        hiddenUntil = delivery.nextConsumeTime;
        const from = hiddenUntil - invisibleFor[sort];
        if (from < poll.invokedAt - SLACK_MS || from > poll.endedAt + SLACK_MS)
          yield { property: "early", says: `${name} got ${messageId} with a NextConsumeTime that is not its own` };
      }
    }
  }
}

/** DEL-10.1, ORD-3.4, TX-5.2: what was ended, and confirmed so, never comes again. */
function* again({ history, lines, messageIdOf, endingsOf }: Evidence): Violations {
  const endedAtPublish = new Set(
    history.publications
      .filter(({ handle = "" }) => (endingsOf.get(handle) ?? []).some(({ outcome }) => outcome === "ok"))
      .map(({ body }) => messageIdOf.get(body)),
  );
  for (const { name, sort, tracks } of lines) {
    for (const { messageId, received } of tracks.values()) {
      const endedBy = received.findIndex(({ endings }) => endings.some(({ outcome }) => outcome === "ok"));
      const isAgain = endedBy >= 0 && endedBy < received.length - 1;
      if (isAgain || (sort === "half" && endedAtPublish.has(messageId)))
        yield { property: "again", says: `${name} got ${messageId} again after it was ended` };
    }
  }
}

/** DEL-4: ConsumedTimes grows by one with each delivery, those included whose answer was lost; FirstConsumeTime stays. */
function* counting({ lines }: Evidence): Violations {
  for (const { name, lost: lostPolls, tracks } of lines) {
    for (const { messageId, received } of tracks.values()) {
      let before = 0;
      let endedBefore = Number.NEGATIVE_INFINITY;
      for (const { delivery, poll } of received) {
        const between = lostPolls.filter((one) => one.endedAt > endedBefore && one.invokedAt < poll.endedAt).length;
        const { consumedTimes } = delivery;
        if (consumedTimes <= before || consumedTimes > before + 1 + between)
          yield {
            property: "counting",
            says: `${name} got ${messageId} with ConsumedTimes ${consumedTimes} after ${before}, with ${between} answers lost`,
          };
        before = consumedTimes;
        endedBefore = poll.endedAt;
      }
      if (new Set(received.map(({ delivery }) => delivery.firstConsumeTime)).size > 1)
        yield { property: "counting", says: `${name} got ${messageId} with another FirstConsumeTime` };
    }
  }
}

/** DEL-5, DEL-10.1, TX-4: a handle is given once, and is good until its NextConsumeTime, whatever happened in between. */
function* handles({ history, lines, endingsOf }: Evidence): Violations {
  const given = new Set<string>();
  for (const { name, tracks } of lines) {
    for (const { messageId, received } of tracks.values()) {
      for (const { delivery, endings } of received) {
        const { receiptHandle, nextConsumeTime } = delivery;
        if (given.has(receiptHandle)) yield { property: "handle", says: `${name} got a handle of ${messageId} twice` };
        given.add(receiptHandle);
        for (const { outcome, endedAt, invokedAt } of endings) {
          if (outcome === "refused" && endedAt < nextConsumeTime - SLACK_MS)
            yield { property: "handle", says: `${name}: a handle of ${messageId} was refused in time` };
          if (outcome === "ok" && invokedAt > nextConsumeTime + SLACK_MS)
            yield { property: "handle", says: `${name}: a handle of ${messageId} was good after its time` };
        }
      }
    }
  }
  for (const { handle = "", invokedAt, messageId } of history.publications) {
    const isGoodUntil = invokedAt + history.settings.immunity - SLACK_MS;
    if ((endingsOf.get(handle) ?? []).some(({ outcome, endedAt }) => outcome === "refused" && endedAt < isGoodUntil))
      yield { property: "handle", says: `the handle of half message ${messageId} was refused in time` };
  }
}

function* slowStart({ history }: Evidence): Violations {
  for (const { startedAt, servesAt } of history.starts) {
    const took = servesAt - startedAt;
    if (took > history.settings.startWithin) yield { property: "slow-start", says: `a start took ${took} ms` };
  }
}

function mayHaveWorked({ outcome }: Ending): boolean {
  return outcome !== "refused";
}

/** Bodies may be long. */
function head(body: string): string {
  return body.slice(0, 40);
}

function groupBy<T>(items: readonly T[], nameOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(nameOf(item));
    if (group) group.push(item);
    else groups.set(nameOf(item), [item]);
  }
  return groups;
}
