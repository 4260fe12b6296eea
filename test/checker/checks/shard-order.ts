import type { Delivery, Evidence, Line, Publication } from "../evidence.ts";
import { countBelow } from "../evidence.ts";
import { type Violation, violation } from "../violation.ts";
import { queueOf } from "./queue-of.ts";

/** More nodes than this in one knot are not searched for the shortest circle. */
const SEARCHED = 60;

interface Node {
  readonly publication: Publication;
  /** By group: place among the first deliveries, and the delivery. */
  readonly seen: Map<Line, { readonly place: number; readonly delivery: Delivery }>;
}

/**
 * ORD-1, ORD-4: a message queue has one order. What was confirmed before another was sent comes before it, and all groups agree about the
 * rest. So "before" has no circle.
 */
export function* shardOrder(evidence: Evidence): Generator<Violation, void> {
  const nodes = new Map<string, Node>();
  const queues = new Map<string, Node[]>();
  const { topics } = evidence.settings;
  const sequences = new Map<string, Node[][]>();
  for (const publication of evidence.publications) {
    const queue = queueOf(evidence.settings, publication);
    if (queue === undefined || topics[publication.topic]?.kind !== "ordered") continue;
    if ((evidence.messages.get(publication.uid)?.publications.length ?? 0) > 1) continue;
    const node: Node = { publication, seen: new Map() };
    nodes.set(publication.uid, node);
    push(queues, queue, node);
  }
  for (const line of evidence.lines) {
    // ORD-8: a plain poll loses the order.
    if (line.isHalf || line.modes.has("plain") || topics[line.topic]?.kind !== "ordered") continue;
    for (const [queue, deliveries] of firstDeliveries(evidence, line)) {
      const sequence = deliveries.flatMap((delivery) => {
        const node = nodes.get(delivery.got.uid);
        return node === undefined || node.seen.has(line) ? [] : [{ node, delivery }];
      });
      for (const [place, { node, delivery }] of sequence.entries()) node.seen.set(line, { place, delivery });
      push(
        sequences,
        queue,
        sequence.map(({ node }) => node),
      );
    }
  }
  for (const [queue, members] of queues) {
    for (const knot of knotsIn(members, sequences.get(queue) ?? [])) {
      const circle = shortestCircle(knot);
      const names = circle.map(({ publication }) => publication.uid);
      const shown = circle.flatMap(({ publication, seen }) => [
        publication,
        ...[...seen.values()].map(({ delivery }) => delivery),
      ]);
      yield violation("C6", `${queue}: ${names.join(" before ")} before ${names[0]}`, ...shown);
    }
  }
}

/** By message queue, in the order in which the broker made them. */
function firstDeliveries({ settings, publications, messages }: Evidence, line: Line): Map<string, Delivery[]> {
  const byQueue = new Map<string, Delivery[]>();
  for (const { deliveries } of line.tracks.values()) {
    const first = deliveries.reduce((a, b) => (inBrokersOrder(b, a) < 0 ? b : a));
    const publication = messages.get(first.got.uid)?.publications[0];
    const queue = publication && queueOf(settings, publication);
    if (queue !== undefined && publications.length > 0) push(byQueue, queue, first);
  }
  for (const deliveries of byQueue.values()) deliveries.sort(inBrokersOrder);
  return byQueue;
}

/** An answer may be late, so the broker's own instants tell, then who had it first. */
export function inBrokersOrder(a: Delivery, b: Delivery): number {
  return a.at - b.at || a.poll.endedAt - b.poll.endedAt || a.place - b.place;
}

/** Sets of messages each of which comes before each other. */
function knotsIn(members: readonly Node[], sequences: readonly (readonly Node[])[]): Node[][] {
  const confirmed = members.filter(({ publication }) => publication.outcome === "ok");
  const byEnd = confirmed.toSorted((a, b) => a.publication.endedAt - b.publication.endedAt);
  const ends = byEnd.map(({ publication }) => publication.endedAt);
  // One point of time after each confirmation keeps the graph small: a message → its point → the next point → whatever was sent later.
  const size = members.length;
  const edges: number[][] = Array.from({ length: size + byEnd.length }, () => []);
  const numberOf = new Map(members.map((node, index) => [node, index]));
  const edge = (from: number | undefined, to: number | undefined): void => {
    if (from !== undefined && to !== undefined) edges[from]?.push(to);
  };
  for (const [point, node] of byEnd.entries()) {
    edge(numberOf.get(node), size + point);
    if (point > 0) edge(size + point - 1, size + point);
  }
  for (const [index, { publication }] of members.entries()) {
    const before = countBelow(ends, publication.invokedAt);
    if (before > 0) edge(size + before - 1, index);
  }
  for (const sequence of sequences) {
    let last: Node | undefined;
    for (const node of sequence) {
      if (last) edge(numberOf.get(last), numberOf.get(node));
      last = node;
    }
  }
  return stronglyConnected(edges)
    .map((component) => component.flatMap((index) => members[index] ?? []))
    .filter(({ length }) => length > 1);
}

function isBefore(a: Node, b: Node): boolean {
  if (a.publication.outcome === "ok" && a.publication.endedAt < b.publication.invokedAt) return true;
  for (const [line, { place }] of a.seen) if (place < (b.seen.get(line)?.place ?? -1)) return true;
  return false;
}

function shortestCircle(knot: readonly Node[]): readonly Node[] {
  const nodes = knot.slice(0, SEARCHED);
  let shortest: readonly Node[] | undefined;
  for (const start of nodes) {
    const cameFrom = new Map<Node, Node>();
    const waiting = [start];
    for (const node of waiting) {
      if (shortest && pathTo(node, cameFrom).length >= shortest.length) break;
      if (node !== start && isBefore(node, start)) {
        shortest = pathTo(node, cameFrom);
        break;
      }
      for (const next of nodes) {
        if (next === start || cameFrom.has(next) || !isBefore(node, next)) continue;
        cameFrom.set(next, node);
        waiting.push(next);
      }
    }
    if (shortest?.length === 2) break;
  }
  return shortest ?? knot.slice(0, 2);
}

function pathTo(node: Node, cameFrom: ReadonlyMap<Node, Node>): Node[] {
  const path: Node[] = [];
  for (let at: Node | undefined = node; at !== undefined; at = cameFrom.get(at)) path.unshift(at);
  return path;
}

/** Tarjan's, without recursion. */
function stronglyConnected(edges: readonly (readonly number[])[]): number[][] {
  const found: number[][] = [];
  const index = new Int32Array(edges.length).fill(-1);
  const low = new Int32Array(edges.length);
  const next = new Int32Array(edges.length);
  const isOnStack = new Uint8Array(edges.length);
  const stack: number[] = [];
  let count = 0;
  for (let root = 0; root < edges.length; root++) {
    if (index[root] !== -1) continue;
    const path = [root];
    while (path.length > 0) {
      const at = path.at(-1) as number;
      if (index[at] === -1) {
        index[at] = low[at] = count++;
        stack.push(at);
        isOnStack[at] = 1;
      }
      const to = edges[at]?.[next[at] as number];
      if (to !== undefined) {
        next[at] = (next[at] as number) + 1;
        if (index[to] === -1) path.push(to);
        else if (isOnStack[to]) low[at] = Math.min(low[at] as number, index[to] as number);
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) low[parent] = Math.min(low[parent] as number, low[at] as number);
      if (low[at] !== index[at]) continue;
      const component = stack.splice(stack.lastIndexOf(at));
      for (const one of component) isOnStack[one] = 0;
      if (component.length > 1) found.push(component);
    }
  }
  return found;
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
