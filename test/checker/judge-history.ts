import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { attempts, endedStaysEnded, timesAndHandles } from "./checks/deliveries.ts";
import { gate } from "./checks/gate.ts";
import { linearizable, singleOutcome } from "./checks/linearizable.ts";
import { liveness } from "./checks/liveness.ts";
import { filters, howForeign, noGhost, noLoss } from "./checks/messages.ts";
import { shardOrder } from "./checks/shard-order.ts";
import { checkTimes, delayedInTime, invisibleHalf } from "./checks/transactions.ts";
import { type Evidence, Gatherer, MalformedHistory } from "./evidence.ts";
import type { HistoryEvent } from "./history.ts";
import type { Check, Property, Violation } from "./violation.ts";

export interface Judgement {
  readonly events: number;
  /** At most `MOST_SHOWN` of each property; `counts` has them all. */
  readonly violations: readonly Violation[];
  readonly counts: Readonly<Partial<Record<Property, number>>>;
  readonly classes: Readonly<Record<Class, number>>;
  /** How late delayed messages came to those who waited for them, in milliseconds. */
  readonly lateness: { readonly count: number; readonly p50: number; readonly p99: number; readonly max: number };
  /** What could not be judged, and why. */
  readonly notes: readonly string[];
}

/**
 * What became of a message. `ok`: confirmed, and all that was promised came true. `recovered`: never confirmed, and came all the same.
 * `duplicated`: came under more than one id. `unexpected`: came, and was never published. `corrupted`: came as something else.
 */
export type Class = "ok" | "lost" | "recovered" | "duplicated" | "unexpected" | "corrupted";

const MOST_SHOWN = 20;

const CHECKS: readonly Check[] = [
  noLoss,
  noGhost,
  endedStaysEnded,
  timesAndHandles,
  attempts,
  shardOrder,
  gate,
  invisibleHalf,
  singleOutcome,
  checkTimes,
  delayedInTime,
  filters,
  linearizable,
  liveness,
];

/** Everything in a history that contradicts a promise. What is unknown to its clients speaks for the broker. */
export function judgeHistory(events: Iterable<HistoryEvent>): Judgement {
  const gatherer = new Gatherer();
  for (const event of events) gatherer.add(event);
  return judge(gatherer);
}

/** Reads one event a line. */
export async function judgeHistoryFile(file: string): Promise<Judgement> {
  const gatherer = new Gatherer();
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line !== "") gatherer.add(parse(line, gatherer.count + 1));
  }
  return judge(gatherer);
}

function parse(line: string, number: number): HistoryEvent {
  try {
    return JSON.parse(line) as HistoryEvent;
  } catch (cause) {
    throw new MalformedHistory(`line ${number} is no event: ${line.slice(0, 80)}`, { cause });
  }
}

function judge(gatherer: Gatherer): Judgement {
  const evidence = gatherer.finish();
  const counts: Partial<Record<Property, number>> = {};
  const violations: Violation[] = [];
  const lost = new Set<string>();
  for (const check of CHECKS) {
    for (const violation of check(evidence)) {
      const count = (counts[violation.property] ?? 0) + 1;
      counts[violation.property] = count;
      if (count <= MOST_SHOWN) violations.push(violation);
      if (violation.property === "C1") lost.add(uidIn(violation));
    }
  }
  const notes =
    evidence.drain === undefined
      ? ["there is no drain, so nobody can say what was lost (C1) or stands still (C14)"]
      : [];
  return {
    events: gatherer.count,
    violations,
    counts,
    classes: classify(evidence, lost),
    lateness: lateness(evidence),
    notes,
  };
}

function uidIn({ evidence }: Violation): string {
  const publish = evidence.find(({ f, req }) => f === "publish" && req !== undefined);
  return (publish?.req as { uid?: string } | undefined)?.uid ?? "";
}

function classify(evidence: Evidence, lost: ReadonlySet<string>): Record<Class, number> {
  const classes: Record<Class, number> = { ok: 0, lost: 0, recovered: 0, duplicated: 0, unexpected: 0, corrupted: 0 };
  const foreign = new Map<string, Class>();
  for (const { tracks } of evidence.lines) {
    for (const { id, deliveries } of tracks.values()) {
      for (const delivery of deliveries) {
        const fault = howForeign(evidence, delivery);
        if (fault) foreign.set(id, /nobody published|was refused/.test(fault) ? "unexpected" : "corrupted");
      }
    }
  }
  for (const kind of foreign.values()) classes[kind] += 1;
  for (const { uid, ids, publications } of evidence.messages.values()) {
    if (ids.size === 0 || [...ids].some((id) => foreign.has(id))) continue;
    const isConfirmed = publications.some(({ outcome }) => outcome === "ok");
    classes[lost.has(uid) ? "lost" : ids.size > 1 ? "duplicated" : isConfirmed ? "ok" : "recovered"] += 1;
  }
  return classes;
}

function lateness({ lines, messages, toClient }: Evidence): Judgement["lateness"] {
  const late: number[] = [];
  for (const { tracks, isHalf } of lines) {
    if (isHalf) continue;
    for (const { deliveries } of tracks.values()) {
      const [first] = deliveries;
      const publication = first && messages.get(first.got.uid)?.publications[0];
      if (publication?.dueAt === undefined || first === undefined || first.got.c > 1) continue;
      late.push(
        Math.max(0, Math.round(first.poll.endedAt - Math.max(toClient(publication.dueAt), first.poll.invokedAt))),
      );
    }
  }
  late.sort((a, b) => a - b);
  const at = (share: number) => late[Math.min(late.length - 1, Math.floor(late.length * share))] ?? 0;
  return { count: late.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}
