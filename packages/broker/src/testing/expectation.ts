import type { Withheld } from "./history.ts";
import { describeMatch, describeMessage, type MessageMatch, mismatchesOf } from "./message-match.ts";
import { type TestMessage, type TestState, toTestMessage } from "./test-message.ts";

/** What a topic is expected to have. */
export interface Expectation {
  readonly topic: string;
  readonly state: TestState;
  readonly group?: string;
  readonly match: MessageMatch;
  /** Exactly so many; absent: at least one. */
  readonly times?: number;
}

/** What there is where something else was expected, in the words of the test. */
export class ExpectationError extends Error {
  // What test runners take for a failed test, and not for a broken one.
  override readonly name = "AssertionError";
}

/** All that a failed expectation can tell. */
export interface Findings {
  /** In this state. */
  readonly there: readonly TestMessage[];
  /** Half messages that are not committed. */
  readonly withheld: readonly Withheld[];
  /** There was more than is remembered. */
  readonly hasForgotten: boolean;
  /** The topic that may have been meant, where this one does not exist. */
  readonly nearestTopic?: string | undefined;
}

/** How a count of messages in a state is said, and how many there were with nothing else asked. */
const SAID: Readonly<Record<TestState, (topic: string, group: string) => string>> = {
  published: (topic) => `published to ${topic}`,
  delivered: (topic, group) => `of ${topic} delivered to ${group}`,
  acknowledged: (topic, group) => `of ${topic} acknowledged by ${group}`,
  ready: (topic, group) => `of ${topic} ready for ${group}`,
  "in-flight": (topic, group) => `of ${topic} in flight to ${group}`,
  delayed: (topic) => `of ${topic} delayed`,
  half: (topic) => `of ${topic} half`,
  dead: (topic, group) => `of ${topic} dead for ${group}`,
};

/** There can only be more of them. */
const ONLY_GROWS: ReadonlySet<TestState> = new Set(["published", "acknowledged"]);
const MAX_SHOWN = 5;

/** Those that match, where there are as many as expected. */
export function meet({ match, times }: Expectation, there: readonly TestMessage[]): TestMessage[] | undefined {
  const matching = there.filter((message) => mismatchesOf(message, match).length === 0);
  const isMet = times === undefined ? matching.length > 0 : matching.length === times;
  return isMet ? matching : undefined;
}

/** Whether waiting cannot help. */
export function isHopeless({ state, match, times }: Expectation, there: readonly TestMessage[]): boolean {
  if (times === undefined || !ONLY_GROWS.has(state)) return false;
  return there.filter((message) => mismatchesOf(message, match).length === 0).length > times;
}

/** What was expected, what there was, and what came closest. */
export function describeFailure(expectation: Expectation, findings: Findings): string {
  const { there, withheld, hasForgotten, nearestTopic } = findings;
  const { topic, state, group, match, times } = expectation;
  const wanted =
    times === undefined ? "at least 1 message" : times === 1 ? "exactly 1 message" : `exactly ${times} messages`;
  const asked = describeMatch(match);
  const said = SAID[state](topic, group ?? "any group");
  const judged = there.map((message) => ({ message, wrong: mismatchesOf(message, match) }));
  const matching = judged.filter(({ wrong }) => wrong.length === 0);
  const lines = [`Expected ${wanted} ${said}${asked === "" ? "" : ` with ${asked}`}; there ${were(matching.length)}.`];
  if (matching.length > 0) {
    lines.push("These match:", ...shown(matching.map(({ message }) => describeMessage(message))));
  } else if (judged.length > 0) {
    const closest = judged.toSorted((one, other) => one.wrong.length - other.wrong.length);
    lines.push(
      `Of the ${judged.length} ${said}, closest first:`,
      ...shown(closest.map(({ message, wrong }) => `${describeMessage(message)}: ${wrong.join(", ")}`)),
    );
  } else if (asked !== "") {
    lines.push(`Nothing is ${said} at all.`);
  }
  if (state === "published") lines.push(...describeWithheld(withheld, topic, match));
  if (hasForgotten)
    lines.push(
      "The oldest that were published or delivered are forgotten: there was too much of it. Reset between tests.",
    );
  if (nearestTopic !== undefined) lines.push(`There is no topic ${topic}, but there is ${nearestTopic}.`);
  return lines.join("\n");
}

function describeWithheld(withheld: readonly Withheld[], topic: string, match: MessageMatch): string[] {
  return withheld.flatMap((half) => {
    const message = toTestMessage(half, topic, "half");
    if (mismatchesOf(message, match).length > 0) return [];
    const why = half.transaction === "open" ? "its transaction has not ended" : "its transaction was rolled back";
    return [`A half message matches, but ${why}: ${describeMessage(message)}`];
  });
}

function were(count: number): string {
  if (count === 0) return "were none";
  return count === 1 ? "was 1" : `were ${count}`;
}

function shown(lines: readonly string[]): string[] {
  const more = lines.length - MAX_SHOWN;
  return [...lines.slice(0, MAX_SHOWN), ...(more > 0 ? [`and ${more} more`] : [])].map((line) => `  ${line}`);
}
