import assert from "node:assert/strict";
import { test } from "node:test";
import { writeChart } from "../report/chart.ts";
import { judgeGoals } from "../report/goals.ts";
import { median } from "../report/median.ts";
import { writeTables } from "../report/tables.ts";
import { Results } from "../run/results.ts";
import { makeResults, rounds } from "./make-results.ts";

const verdicts = (results: Results, name: string, what: RegExp) =>
  judgeGoals(results)
    .filter((goal) => goal.name === name && what.test(goal.what))
    .map(({ value, reached }) => ({ value, reached }));

test("a median is the middle, or between the two in the middle", () => {
  assert.deepEqual([median([3, 1, 2]), median([4, 1, 3, 2]), median([])], [2, 2.5, Number.NaN]);
});

test("a ratio is taken round by round, not of the medians", () => {
  const results = makeResults([
    ...rounds("publish", "stagemq", "perSecond", [10, 60, 30]),
    ...rounds("publish", "node-http", "perSecond", [20, 100, 50]),
  ]);
  assert.deepEqual(results.ratios("publish", "perSecond", ["stagemq", "node-http"]), [0.5, 0.6, 0.6]);
  assert.deepEqual(verdicts(results, "G1", /durable publish/), [{ value: 0.6, reached: true }]);
  assert.deepEqual(verdicts(results, "beyond", /bare/), [{ value: 0.6, reached: false }]);
});

test("a round that only one of the two has is left out of the ratio", () => {
  const results = makeResults([
    ...rounds("publish", "stagemq", "perSecond", [10, 60]),
    ...rounds("publish", "redis", "perSecond", [20]),
  ]);
  assert.deepEqual(results.ratios("publish", "perSecond", ["stagemq", "redis"]), [0.5]);
});

test("consuming is held against the best peer, whichever that is", () => {
  const results = makeResults([
    ...rounds("consume", "stagemq", "perSecond", [80, 80]),
    ...rounds("consume", "redis", "perSecond", [100, 100]),
    ...rounds("consume", "nats", "perSecond", [40, 40]),
  ]);
  assert.deepEqual(verdicts(results, "G3", /best peer/), [{ value: 0.8, reached: false }]);
});

test("what was not measured is neither reached nor missed", () => {
  assert.ok(judgeGoals(makeResults([])).every(({ value, reached }) => value === undefined && reached === undefined));
});

test("at most means at most: the limit itself is reached", () => {
  const results = makeResults(rounds("start", "stagemq", "readyAfterMs", [500]));
  assert.deepEqual(verdicts(results, "G8", /ready/), [{ value: 500, reached: true }]);
});

test("the tables say by how much a goal was missed, who may have been held up by its clients, and what was left out", () => {
  const results = makeResults([
    ...rounds("publish", "stagemq", "perSecond", [40, 50, 60]),
    ...rounds("publish", "node-http", "perSecond", [100, 100, 100]),
    { workload: "publish", subject: "redis", round: 1, figures: { perSecond: 70, clientShare: 0.97 } },
  ]);
  results.leaveOut("RabbitMQ quorum queue: RabbitMQ is not installed");
  const text = writeTables(results);
  assert.match(
    text,
    /\| G1 \| durable publish, × bare node:http \| at least 0\.55 × \| 0\.5 × \| \*\*missed by 9 %\*\* \|/,
  );
  assert.match(text, /\| stagemq \| .* \| 50 \(40–60\) \| 0\.5 \(0\.4–0\.6\) \|/);
  assert.match(text, /\| Redis Streams \| .* \| 70 \* \|/);
  assert.match(text, /Left out:\n\* RabbitMQ quorum queue: RabbitMQ is not installed/);
  assert.doesNotMatch(text, /## Consume/);
});

test("a short run says that it decides nothing", () => {
  assert.match(writeTables(makeResults([], { form: "quick" })), /only a full run decides/);
  assert.doesNotMatch(writeTables(makeResults([])), /only a full run decides/);
});

test("the chart has the longest bar first, ours marked, and says in words what it shows", () => {
  const results = makeResults([
    ...rounds("publish", "stagemq", "perSecond", [30_000]),
    ...rounds("publish", "redis", "perSecond", [50_000]),
  ]);
  const chart = writeChart(results);
  assert.match(chart, /aria-label="Durable publishes a second: Redis Streams 50,000, stagemq 30,000"/);
  assert.match(chart, /<g class="ours"><text[^>]*>stagemq/);
});

test("results are read as they were written, and know which turns they have", () => {
  const written = makeResults([]);
  const [sample] = rounds("latency", "nats", "p50Ms", [1]);
  assert.ok(sample);
  written.add(sample);
  written.leaveOut("backlog: no time was left");
  const read = Results.read(written.file);
  assert.deepEqual([read.samples, read.leftOut], [[sample], ["backlog: no time was left"]]);
  read.add({ ...sample, figures: { p50Ms: 2 } });
  assert.deepEqual(Results.read(written.file).figures("latency", "nats", "p50Ms"), [2]);
  assert.ok(read.has({ workload: "latency", subject: "nats", round: 1 }));
  assert.ok(!read.has({ workload: "latency", subject: "nats", round: 2 }));
});
