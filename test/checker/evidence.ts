import type {
  ConsumeRequest,
  ConsumeResult,
  EndRequest,
  EndResult,
  FaultRequest,
  Got,
  HalfRequest,
  HistoryEvent,
  PublishRequest,
  PublishResult,
  Settings,
  Sort,
  Verb,
} from "./history.ts";

/**
 * A history joined: who published what, who got it, what was asked for with its handle. Instants are milliseconds on the clients'
 * monotonic clock; what the broker says about time is moved onto it.
 */
export interface Evidence {
  readonly settings: Settings;
  /** The settings', and how far the machine's own clock was stepped meanwhile. */
  readonly skew: number;
  readonly publications: readonly Publication[];
  readonly messages: ReadonlyMap<string, Message>;
  readonly uidOf: ReadonlyMap<string, string>;
  readonly lines: readonly Line[];
  readonly deliveryOf: ReadonlyMap<string, Delivery>;
  /** Of half messages, by the handle of their publish. */
  readonly halfOf: ReadonlyMap<string, Publication>;
  /** What was asked for with each handle. */
  readonly endingsOf: ReadonlyMap<string, readonly Ending[]>;
  readonly faults: readonly Fault[];
  readonly drain: Operation | undefined;
  readonly endedAt: number;
  /** Epoch milliseconds → the clients' clock. */
  toClient(epochMs: number): number;
  /** How far the broker's clock for waits may have been ahead of ours at that instant. */
  ahead(at: number): { readonly least: number; readonly most: number };
}

export interface Operation {
  readonly p: string;
  readonly f: Verb;
  readonly invokedAt: number;
  /** When its answer was there, or the client gave up. */
  endedAt: number;
  outcome: "ok" | "fail" | "info";
  /** After this it cannot take effect any more. */
  closesAt: number;
  /** As written. */
  readonly invoke: HistoryEvent;
  end: HistoryEvent | undefined;
}

export interface Publication extends Operation, PublishRequest {
  readonly id: string | undefined;
  readonly handle: string | undefined;
}

/** One uid; more than one id if it was sent again, or by a broker that is wrong. */
export interface Message {
  readonly uid: string;
  readonly publications: Publication[];
  readonly ids: Set<string>;
}

export interface Poll extends Operation {
  readonly topic: string;
  readonly group: string;
  readonly sort: Sort;
  readonly waitMs: number;
  readonly tag: string;
  deliveries: Delivery[];
}

export interface Delivery {
  readonly line: Line;
  readonly poll: Poll;
  readonly got: Got;
  /** Place in its answer. */
  readonly place: number;
  /** When the broker says it happened: an instant of its clock. */
  readonly at: number;
  readonly until: number;
  readonly endings: readonly Ending[];
}

/** What was asked for with one receipt handle. */
export interface Ending {
  readonly operation: Operation;
  readonly as: "ack" | "commit" | "rollback";
  readonly handle: string;
  readonly topic: string;
  readonly group: string;
  readonly outcome: "ok" | "refused" | "info";
}

/** One message id in one line, its deliveries by ConsumedTimes. */
export interface Track {
  readonly id: string;
  readonly line: Line;
  readonly deliveries: Delivery[];
}

/** All that one group got of one topic, or all back-checks of one topic, which have no group. */
export interface Line {
  readonly name: string;
  readonly topic: string;
  readonly group: string;
  readonly isHalf: boolean;
  readonly polls: Poll[];
  readonly tracks: Map<string, Track>;
  readonly modes: Set<Sort>;
  readonly filters: Set<string>;
  readonly maxRetries: number;
  /** Polls without an answer that may have taken something between two instants: at most so many. */
  mayHaveTaken(from: number, to: number): number;
}

export interface Fault extends FaultRequest {
  readonly from: number;
  readonly to: number;
  readonly operation: Operation;
}

export class MalformedHistory extends Error {}

/** Takes the events of a history in one after the other. */
export class Gatherer {
  readonly #open = new Map<string, Operation>();
  readonly #operations: Operation[] = [];
  #settings: Settings | undefined;
  #count = 0;
  #origin = 0;
  /** Of wall clock minus monotonic one: that is constant, unless the machine's clock is stepped. */
  #leastOffset = Number.POSITIVE_INFINITY;
  #mostOffset = Number.NEGATIVE_INFINITY;

  get count(): number {
    return this.#count;
  }

  add(event: HistoryEvent): void {
    if (this.#count === 0) this.#origin = event.t;
    this.#count += 1;
    const at = (event.t - this.#origin) / 1e6;
    const offset = event.wall - at;
    if (offset < this.#leastOffset) this.#leastOffset = offset;
    if (offset > this.#mostOffset) this.#mostOffset = offset;
    if (event.type === "invoke") this.#invoke(event, at);
    else this.#end(event, at);
  }

  #invoke(event: HistoryEvent, at: number): void {
    const { p, f } = event;
    if (event.req === undefined) throw new MalformedHistory(`event ${this.#count}: ${f} without a request`);
    if (this.#open.has(p)) throw new MalformedHistory(`event ${this.#count}: ${p} has a request under way already`);
    const open = Number.POSITIVE_INFINITY;
    const operation: Operation = {
      p,
      f,
      invokedAt: at,
      endedAt: open,
      outcome: "info",
      closesAt: open,
      invoke: event,
      end: undefined,
    };
    this.#open.set(p, operation);
    this.#operations.push(operation);
    if (f === "admin" && event.req.kind === "settings")
      this.#settings = (event.req as { readonly settings: Settings }).settings;
  }

  #end(event: HistoryEvent, at: number): void {
    const operation = this.#open.get(event.p);
    if (operation === undefined || operation.f !== event.f)
      throw new MalformedHistory(`event ${this.#count}: ${event.p} has no ${event.f} under way`);
    this.#open.delete(event.p);
    operation.endedAt = at;
    operation.outcome = event.type as Operation["outcome"];
    operation.end = event;
  }

  finish(): Evidence {
    if (this.#settings === undefined) throw new MalformedHistory("the history says no settings");
    return join(this.#operations, this.#settings, this.#mostOffset, this.#mostOffset - this.#leastOffset);
  }
}

/** What a clock step may seem to be without one: both clocks are read one after the other, one of them in whole milliseconds. */
const READING_MS = 2;
const GONE = new Set(["kill", "stop", "power-cut"]);

function join(operations: readonly Operation[], settings: Settings, base: number, wobble: number): Evidence {
  const skew = settings.skewMs + (wobble > READING_MS ? wobble : 0);
  const toClient = (epochMs: number) => epochMs - base;
  const faults = operations.filter(({ f }) => f === "fault").map(toFault);
  const goneAt = faults.filter(({ kind, operation }) => GONE.has(kind) && operation.outcome === "ok");
  closeThem(
    operations,
    goneAt.map(({ to }) => to).sort((a, b) => a - b),
  );
  const publications: Publication[] = [];
  const polls: Poll[] = [];
  const endingsOf = new Map<string, Ending[]>();
  for (const operation of operations) {
    const { f } = operation;
    if (f === "publish") publications.push(toPublication(operation));
    else if (f === "consume" || f === "consumeHalf") polls.push(toPoll(operation));
    else if (f === "ack" || f === "commit" || f === "rollback") {
      for (const ending of toEndings(operation, f)) {
        const others = endingsOf.get(ending.handle);
        if (others) others.push(ending);
        else endingsOf.set(ending.handle, [ending]);
      }
    }
  }
  const lines = new Map<string, Line>();
  const deliveryOf = new Map<string, Delivery>();
  const lineOf = lineFinder(lines, settings);
  for (const poll of polls) {
    const line = lineOf(poll);
    line.polls.push(poll);
    line.modes.add(poll.sort);
    line.filters.add(poll.tag);
    if (poll.outcome !== "ok") continue;
    const { got } = resultOf<ConsumeResult>(poll);
    poll.deliveries = got.map((one, place) => {
      const until = toClient(one.next);
      const at = until - settings.invisibleForMs[poll.sort];
      const delivery: Delivery = { line, poll, got: one, place, at, until, endings: endingsOf.get(one.h) ?? NONE };
      const track = line.tracks.get(one.id);
      if (track) track.deliveries.push(delivery);
      else line.tracks.set(one.id, { id: one.id, line, deliveries: [delivery] });
      if (!deliveryOf.has(one.h)) deliveryOf.set(one.h, delivery);
      return delivery;
    });
  }
  for (const { tracks } of lines.values())
    for (const { deliveries } of tracks.values())
      if (deliveries.length > 1) deliveries.sort((a, b) => a.got.c - b.got.c || a.at - b.at);

  const messages = new Map<string, Message>();
  const uidOf = new Map<string, string>();
  for (const publication of publications) {
    const { uid, id } = publication;
    const message = messages.get(uid) ?? { uid, publications: [], ids: new Set() };
    message.publications.push(publication);
    messages.set(uid, message);
    if (id === undefined) continue;
    message.ids.add(id);
    uidOf.set(id, uid);
  }
  for (const { tracks } of lines.values()) {
    for (const { id, deliveries } of tracks.values()) {
      for (const { got } of deliveries) {
        messages.get(got.uid)?.ids.add(id);
        if (!uidOf.has(id)) uidOf.set(id, got.uid);
      }
    }
  }
  const drain = operations.findLast(
    ({ f, invoke }) => f === "admin" && (invoke.req as { kind: string }).kind === "drain",
  );
  const halves = publications.filter(({ handle }) => handle !== undefined);
  return {
    settings,
    skew,
    publications,
    messages,
    uidOf,
    lines: [...lines.values()],
    deliveryOf,
    halfOf: new Map(halves.map((one) => [one.handle ?? "", one])),
    endingsOf,
    faults,
    drain,
    endedAt: operations.reduce((latest, { invokedAt, end, endedAt }) => Math.max(latest, end ? endedAt : invokedAt), 0),
    toClient,
    ahead: clockOffsets(faults),
  };
}

const NONE: readonly Ending[] = [];

/** Of what was answered with `ok`. */
function resultOf<T>({ end, invoke }: Operation): T {
  if (end?.res === undefined) throw new MalformedHistory(`an ok without a result: ${JSON.stringify(invoke)}`);
  return end.res as T;
}

function toFault(operation: Operation): Fault {
  return { ...(operation.invoke.req as FaultRequest), from: operation.invokedAt, to: operation.endedAt, operation };
}

/** What has no answer may take effect until the broker that may have it is gone. */
function closeThem(operations: readonly Operation[], goneAt: readonly number[]): void {
  for (const operation of operations) {
    if (operation.outcome !== "info") operation.closesAt = operation.endedAt;
    else operation.closesAt = goneAt[countBelow(goneAt, operation.invokedAt)] ?? Number.POSITIVE_INFINITY;
  }
}

function toPublication(operation: Operation): Publication {
  const { id, h } = operation.outcome === "ok" ? resultOf<PublishResult>(operation) : ({} as Partial<PublishResult>);
  return Object.assign(operation, operation.invoke.req as PublishRequest, { id, handle: h });
}

function toPoll(operation: Operation): Poll {
  const { topic, group, waitMs, ...rest } = operation.invoke.req as ConsumeRequest | HalfRequest;
  const sort: Sort = "mode" in rest ? rest.mode : "half";
  const tag = ("tag" in rest && rest.tag) || "*";
  return Object.assign(operation, { topic, group, sort, waitMs, tag, deliveries: [] });
}

function toEndings(operation: Operation, as: Ending["as"]): Ending[] {
  // A request that failed as a whole says nothing about its handles.
  if (operation.outcome === "fail") return [];
  const { h, topic, group } = operation.invoke.req as EndRequest;
  const refused = operation.outcome === "ok" ? resultOf<EndResult>(operation).refused : [];
  return h.map((handle) => {
    const outcome = operation.outcome === "info" ? "info" : refused.includes(handle) ? "refused" : "ok";
    return { operation, as, handle, topic, group, outcome };
  });
}

function lineFinder(lines: Map<string, Line>, { groups = {}, maxRetries }: Settings): (poll: Poll) => Line {
  return ({ topic, group, sort }) => {
    const isHalf = sort === "half";
    const name = isHalf ? `checks of ${topic}` : `${group} on ${topic}`;
    const known = lines.get(name);
    if (known) return known;
    const polls: Poll[] = [];
    let unanswered: { begins: number[]; closes: number[] } | undefined;
    const line: Line = {
      name,
      topic,
      group: isHalf ? "" : group,
      isHalf,
      polls,
      tracks: new Map(),
      modes: new Set(),
      filters: new Set(),
      maxRetries: groups[group]?.maxRetries ?? maxRetries,
      mayHaveTaken(from, to) {
        unanswered ??= unansweredOf(polls);
        return Math.max(0, countBelow(unanswered.begins, to) - countBelow(unanswered.closes, from));
      },
    };
    lines.set(name, line);
    return line;
  };
}

function unansweredOf(polls: readonly Poll[]): { begins: number[]; closes: number[] } {
  const unanswered = polls.filter(({ outcome }) => outcome === "info");
  const ascending = (numbers: number[]) => numbers.sort((a, b) => a - b);
  return {
    begins: ascending(unanswered.map(({ invokedAt }) => invokedAt)),
    closes: ascending(unanswered.map(({ closesAt }) => closesAt)),
  };
}

/** TIM-1: the clock for waits follows the wall clock forward, and never back. */
function clockOffsets(faults: readonly Fault[]): Evidence["ahead"] {
  const steps = faults.filter(({ kind }) => kind === "clock");
  const still = { least: 0, most: 0 };
  return (at) => {
    if (steps.length === 0) return still;
    const offsets = steps.filter(({ from }) => from <= at).map(({ offsetMs = 0 }) => offsetMs);
    return { least: Math.min(0, ...offsets), most: Math.max(0, ...offsets) };
  };
}

/** How many of the sorted numbers are smaller. */
export function countBelow(sorted: readonly number[], bound: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
