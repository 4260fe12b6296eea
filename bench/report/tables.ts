import type { PeerName } from "../peers/peer.ts";
import { PEERS } from "../peers/peers.ts";
import type { Results } from "../run/results.ts";
import { type JudgedGoal, judgeGoals } from "./goals.ts";
import { median, spread } from "./median.ts";

/** Above this the clients, not the server, may have set the pace. */
const BUSY = 0.95;
/** G5 speaks of so many retained messages. */
const MEANT_BACKLOG = 5_000_000;
const NOTHING = "–";

interface Column {
  readonly title: string;
  readonly cell: (subject: string) => string;
}

/** All that a run says, as Markdown. */
export function writeTables(results: Results): string {
  return [
    describeRun(results),
    section("Goals", [...goalTable(judgeGoals(results)), ...reservations(results)]),
    section("Durable publish, 64 clients, 500 bytes", publishTable(results)),
    section("Consume and acknowledge, 16 clients, batches of 16", consumeTable(results)),
    section("End to end at 500/s, from the instant each message was due", latencyTable(results)),
    section("The kinds of messages, published", kindsTable(results)),
    section("Ordered and unordered consumption, 8 clients", orderedTable(results)),
    section("Alone", aloneTable(results)),
    leftOut(results),
  ]
    .filter((text) => text !== "")
    .join("\n\n");
}

function describeRun({ head, samples }: Results): string {
  const { machine, commit, at, command, form } = head;
  const pinning = machine.pinned
    ? "servers on core 0, clients on core 1"
    : "**not pinned: servers and clients shared the cores**";
  return [
    `* **Run:** ${form}, ${at.slice(0, 16).replace("T", " ")} UTC, commit ${commit}: \`${command}\``,
    `* **Machine:** ${machine.processor}, ${machine.cores} cores, ${machine.memoryGigabytes} GB, ${machine.system}, Node ${machine.node}; ${pinning}; a sync of 4 KiB takes ${show(machine.syncMs, 2)} ms here`,
    `* **Reading it:** medians of up to ${Math.max(...samples.map(({ round }) => round), 0)} interleaved rounds, in brackets the least and the most; ratios are taken round by round. Processor time is the server's, with its children. A star marks clients that were busy for more than ${BUSY * 100} % of their core: there the server could do more`,
  ].join("\n");
}

export function goalTable(goals: readonly JudgedGoal[]): string[] {
  const rows = goals.map((each) => {
    const [word, limit] =
      "atLeast" in each.wanted ? ["at least", each.wanted.atLeast] : ["at most", each.wanted.atMost];
    const cells = [each.name, each.what, `${word} ${show(limit)} ${each.unit}`];
    if (each.value === undefined) return [...cells, NOTHING, "not measured"];
    return [...cells, `${show(each.value)} ${each.unit}`, verdictOf(each, limit)];
  });
  return table(["goal", "what", "wanted", "measured", "verdict"], rows);
}

/** What keeps a run's verdicts from being the last word. */
function reservations(results: Results): string[] {
  const [messages = MEANT_BACKLOG] = results.figures("backlog", "filled", "messages");
  const sentences = [
    ...(results.head.form === "full" ? [] : ["Short turns and few rounds: only a full run decides a goal."]),
    ...(messages >= MEANT_BACKLOG
      ? []
      : [`G5 is meant for ${show(MEANT_BACKLOG)} messages; this run kept ${show(messages)}.`]),
  ];
  return sentences.flatMap((sentence) => ["", sentence]);
}

function verdictOf({ value = Number.NaN, reached }: JudgedGoal, limit: number | string): string {
  if (reached) return "reached";
  const off = Math.abs(value / Number(limit) - 1) * 100;
  return `**missed by ${show(off, 0)} %**`;
}

function publishTable(results: Results): string[] {
  const { of, besideBare } = columns(results, "publish");
  return peerTable(results, "publish", [
    { title: "publish/s", cell: (peer) => `${of("perSecond")(peer)}${star(results, "publish", peer)}` },
    { title: "× node:http", cell: besideBare },
    { title: "p50 ms", cell: of("p50Ms", 2) },
    { title: "p99 ms", cell: of("p99Ms", 1) },
    { title: "µs of processor", cell: of("microsEach", 1) },
    { title: "bytes to the device", cell: of("writtenBytesEach") },
    { title: "resident MB", cell: of("residentMegabytes") },
  ]);
}

function consumeTable(results: Results): string[] {
  const { of } = columns(results, "consume");
  return peerTable(results, "consume", [
    { title: "messages/s", cell: (peer) => `${of("perSecond")(peer)}${star(results, "consume", peer)}` },
    { title: "µs of processor", cell: of("microsEach", 1) },
    { title: "bytes to the device", cell: of("writtenBytesEach") },
    { title: "came again", cell: of("again") },
    { title: "left in the time", cell: of("left") },
  ]);
}

function latencyTable(results: Results): string[] {
  const { of } = columns(results, "latency");
  return peerTable(results, "latency", [
    { title: "p50 ms", cell: of("p50Ms", 2) },
    { title: "p99 ms", cell: of("p99Ms", 2) },
    { title: "most ms", cell: of("maxMs", 1) },
    { title: "missing", cell: of("missing") },
  ]);
}

function kindsTable(results: Results): string[] {
  const { of } = columns(results, "kinds");
  const beside = (kind: string) => cellOf(results.ratios("kinds", "perSecond", [kind, "normal"]), 2);
  return subjectTable(results, "kinds", "kind", [
    { title: "per second", cell: of("perSecond") },
    { title: "× normal", cell: beside },
    { title: "p50 ms", cell: of("p50Ms", 2) },
    { title: "p99 ms", cell: of("p99Ms", 1) },
    { title: "µs of processor", cell: of("microsEach", 1) },
    { title: "bytes to the device", cell: of("writtenBytesEach") },
  ]);
}

function orderedTable(results: Results): string[] {
  const { of } = columns(results, "ordered");
  return subjectTable(results, "ordered", "topic", [
    { title: "messages/s", cell: of("perSecond") },
    { title: "µs of processor", cell: of("microsEach", 1) },
    { title: "left in the time", cell: of("left") },
  ]);
}

/** What has one figure, not a comparison. */
function aloneTable(results: Results): string[] {
  const rows: readonly (readonly [
    what: string,
    workload: string,
    subject: string,
    figure: string,
    unit: string,
    factor?: number,
  ])[] = [
    ["ready on an empty directory", "start", "stagemq", "readyAfterMs", "ms"],
    ["resident memory at rest", "start", "stagemq", "residentMegabytes", "MB"],
    ["share of a core at rest", "start", "stagemq", "idleShare", "%", 100],
    ["--version", "start", "stagemq", "versionAfterMs", "ms"],
    ["idle long polls", "idle-polls", "stagemq", "polls", ""],
    ["resident memory with them", "idle-polls", "stagemq", "residentMegabytes", "MB"],
    ["share of a core that they use", "idle-polls", "stagemq", "idleShare", "%", 100],
    ["a publish wakes its waiter, p50", "idle-polls", "stagemq", "p50Ms", "ms"],
    ["a publish wakes its waiter, p99", "idle-polls", "stagemq", "p99Ms", "ms"],
    ["waiters that were not woken", "idle-polls", "stagemq", "missing", ""],
    ["pending half messages", "pending", "stagemq", "pending", ""],
    ["share of a core that they use", "pending", "stagemq", "idleShare", "%", 100],
    ["plain publishes beside them", "pending", "stagemq", "perSecond", "/s"],
    ["backlog, messages of 200 bytes", "backlog", "filled", "messages", ""],
    ["filled at", "backlog", "filled", "perSecond", "/s"],
    ["resident memory when filled", "backlog", "filled", "residentMegabytes", "MB"],
    ["publish with the backlog", "backlog-publish", "full", "perSecond", "/s"],
    ["publish without", "backlog-publish", "empty", "perSecond", "/s"],
    ["consume with the backlog", "backlog-consume", "full", "perSecond", "/s"],
    ["consume without", "backlog-consume", "empty", "perSecond", "/s"],
    ["start from a snapshot", "backlog-start", "from-snapshot", "readyAfterMs", "ms"],
    ["resident memory after it", "backlog-start", "from-snapshot", "residentMegabytes", "MB"],
    ["start after a kill", "backlog-start", "after-kill", "readyAfterMs", "ms"],
    ["start from the whole journal", "backlog-start", "from-journal", "readyAfterMs", "ms"],
  ];
  const measured = rows.flatMap(([what, workload, subject, name, unit, factor = 1]) => {
    const figures = results.figures(workload, subject, name).map((value) => value * factor);
    return figures.length === 0 ? [] : [[what, `${cellOf(figures, 1)} ${unit}`.trim()]];
  });
  return measured.length === 0 ? [] : table(["what", "measured"], measured);
}

function leftOut({ leftOut }: Results): string {
  return leftOut.length === 0 ? "" : `Left out:\n${leftOut.map((sentence) => `* ${sentence}`).join("\n")}`;
}

function peerTable(results: Results, workload: string, cells: readonly Column[]): string[] {
  const measured = PEERS.filter(({ name }) =>
    results.samples.some((each) => each.workload === workload && each.subject === name),
  );
  if (measured.length === 0) return [];
  const rows = measured.map(({ name, title, durability }) => [
    title,
    durability,
    ...cells.map(({ cell }) => cell(name)),
  ]);
  return table(["server", "durability", ...cells.map(({ title }) => title)], rows);
}

function subjectTable(results: Results, workload: string, name: string, cells: readonly Column[]): string[] {
  const subjects = [
    ...new Set(results.samples.filter((each) => each.workload === workload).map(({ subject }) => subject)),
  ];
  if (subjects.length === 0) return [];
  const rows = subjects.map((subject) => [subject, ...cells.map(({ cell }) => cell(subject))]);
  return table([name, ...cells.map(({ title }) => title)], rows);
}

function columns(results: Results, workload: string) {
  return {
    of:
      (figure: string, digits = 0) =>
      (subject: string) =>
        cellOf(results.figures(workload, subject, figure), digits),
    besideBare: (peer: string) =>
      cellOf(results.ratios(workload, "perSecond", [peer, "node-http" satisfies PeerName]), 2),
  };
}

function star(results: Results, workload: string, peer: string): string {
  return median(results.figures(workload, peer, "clientShare")) > BUSY ? " *" : "";
}

function cellOf(figures: readonly number[], digits: number): string {
  const real = figures.filter((value) => !Number.isNaN(value));
  if (real.length === 0) return NOTHING;
  if (real.length === 1) return show(median(real), digits);
  const [least, most] = spread(real);
  return `${show(median(real), digits)} (${show(least, digits)}–${show(most, digits)})`;
}

function show(value: number, digits = 2): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : `## ${title}\n\n${lines.join("\n")}`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(heads), `|${heads.map(() => "---").join("|")}|`, ...rows.map(line)];
}
