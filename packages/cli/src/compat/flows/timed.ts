import type { Answer } from "../connection.ts";
import { type Delivered, deliveredIn, messageDocument, textsOf, verdictOf } from "../documents.ts";
import type { Flow } from "../flow.ts";
import { bodiesOf, handlesOf, type Scene } from "../scene.ts";

const SECOND = 1_000;
const DAY = 86_400 * SECOND;
const AHEAD = 5 * SECOND;
/** Two clocks, the network between them, and a machine that is busy. */
const SLACK_MS = 5 * SECOND;
const EXPIRED = "404 MessageNotExist";

/** What takes its time. Each list has topics of its own, so that they can be played side by side. */
export const delaying: readonly Flow[] = [
  { items: [57], play: playStartTimes },
  { items: [58], play: playTooFar },
  { items: [77], play: playIdlePoll },
];
export const ordering: readonly Flow[] = [{ items: [71, 73, 86, 87, 89, 90, 94], play: playGate }];
export const transacting: readonly Flow[] = [
  { items: [98, 99, 100], play: playCommitInTime },
  { items: [72, 97, 99, 100], play: playChecks },
];
export const idling: readonly Flow[] = [{ items: [16], play: playIdleConnection }];

async function playStartTimes(scene: Scene): Promise<void> {
  const { sheet, place } = scene;
  const topic = place.topics.delayed;
  await scene.clear(topic);
  const [past, ahead] = [scene.body("past"), scene.body("ahead")];
  await scene.publish(topic, { body: past, properties: `__STARTDELIVERTIME:${Date.now() - 60 * SECOND}` });
  const dueAt = Date.now() + AHEAD;
  await scene.publish(topic, { body: ahead, properties: `__STARTDELIVERTIME:${dueAt}` });
  sheet.see(57, "deliveries of one whose time is past", (await scene.collect(topic, [past])).length, 1);
  const early = await scene.poll(topic, "numOfMessages=16");
  sheet.note(57, Date.now() > dueAt || early.status === 404, "a message came before its time");
  sheet.see(57, "deliveries when its time has come", (await scene.collect(topic, [ahead])).length, 1);
}

async function playTooFar(scene: Scene): Promise<void> {
  const answer = await scene.publish(scene.place.topics.delayed, {
    body: scene.body("too far"),
    properties: `__STARTDELIVERTIME:${Date.now() + 41 * DAY}`,
  });
  scene.sheet.see(58, "a time 41 days ahead", verdictOf(answer), "400 InvalidArgument");
}

async function playIdlePoll(scene: Scene): Promise<void> {
  const topic = scene.place.topics.delayed;
  await scene.clear(topic);
  const start = performance.now();
  const answer = await scene.poll(topic, "numOfMessages=16&waitseconds=30");
  const took = performance.now() - start;
  scene.sheet.see(77, "an idle poll of 30 s", verdictOf(answer), EXPIRED);
  const fits = took > 29.5 * SECOND && took < 31.5 * SECOND + SLACK_MS;
  scene.sheet.note(77, fits, `an idle poll of 30 s took ${(took / SECOND).toFixed(1)} s`);
}

async function playGate(scene: Scene): Promise<void> {
  const { sheet, place } = scene;
  const topic = place.topics.ordered;
  await scene.clear(topic, "trans=order");
  const bodies = [1, 2, 3, 4].map((number) => scene.body(`in order ${number}`));
  for (const body of bodies) await scene.publish(topic, { body, properties: `__SHARDINGKEY:${scene.run}|` });

  const poll = async (query: string) => deliveredIn(await scene.poll(topic, `${query}&trans=order`));
  const held = await poll("numOfMessages=3&waitseconds=10");
  sheet.see(86, "the first three of four with one sharding key", bodiesOf(held), bodies.slice(0, 3));
  const [first] = held;
  sheet.note(90, /^\d+$/.test(first?.FirstConsumeTime ?? ""), "an ordered message has no FirstConsumeTime");
  const hiddenUntil = Number(first?.NextConsumeTime);
  const hidden = hiddenUntil - Date.now();
  sheet.note(71, Math.abs(hidden - 60 * SECOND) < SLACK_MS, `an ordered delivery is hidden for about ${hidden} ms`);
  sheet.see(87, "what comes while they are not acknowledged", bodiesOf(await poll("numOfMessages=16")), []);

  const [acknowledged = "", ...left] = handlesOf(held);
  await scene.acknowledge(topic, [acknowledged]);
  await scene.pass(Math.max(hiddenUntil - Date.now(), 0) + SLACK_MS);
  const again = await poll("numOfMessages=16&waitseconds=10");
  sheet.see(89, "what comes again", bodiesOf(again).slice(0, 2), bodies.slice(1, 3));
  const ids = (delivered: readonly Delivered[]) => delivered.slice(0, 2).map(({ MessageId }) => MessageId);
  sheet.see(73, "the ids of what comes again", ids(again), ids(held.slice(1)));
  sheet.see(73, "ConsumedTimes of what comes again", again[0]?.ConsumedTimes, "2");
  sheet.note(89, !handlesOf(again).some((handle) => left.includes(handle)), "a handle is the same as before");
  const late = await scene.acknowledge(topic, left);
  sheet.see(94, "two expired handles", verdictOf(late), "404 MessageNotExist MessageNotExist");
  await scene.acknowledge(topic, handlesOf(again));
  await scene.clear(topic, "trans=order");
}

async function playCommitInTime(scene: Scene): Promise<void> {
  const { sheet } = scene;
  const topic = scene.place.topics.transactional;
  await scene.clear(topic);
  const body = scene.body("committed");
  const [handle = ""] = textsOf((await publishHalf(scene, body)).body, "ReceiptHandle");
  const hidden = await scene.poll(topic, "numOfMessages=16");
  sheet.note(99, !bodiesOf(deliveredIn(hidden)).includes(body), "a half message was delivered");
  const committed = await scene.end("commit", handle, "");
  sheet.see(98, "a commit with consumer=", verdictOf(committed), "204");
  sheet.see(100, "deliveries after a commit in time", (await scene.collect(topic, [body])).length, 1);
}

async function playChecks(scene: Scene): Promise<void> {
  const { sheet, place } = scene;
  const topic = place.topics.transactional;
  const body = scene.body("left alone");
  const publishedAt = Date.now();
  const [handle = ""] = textsOf((await publishHalf(scene, body)).body, "ReceiptHandle");
  const check = await nextCheck(scene, body);
  sheet.note(99, check !== undefined, "a half message was not offered within 15 s after its immunity of 10 s");
  sheet.note(99, Date.now() - publishedAt > 10 * SECOND - SLACK_MS, "a half message was offered before its time");
  const hidden = Number(check?.NextConsumeTime) - Date.now();
  sheet.note(72, Math.abs(hidden - 10 * SECOND) < SLACK_MS, `the handle of a check is good for about ${hidden} ms`);
  const late = await scene.end("commit", handle);
  sheet.see(97, "a commit that comes too late", verdictOf(late), EXPIRED);
  sheet.note(97, late.body.includes("<Errors"), "a commit that comes too late is no Errors");
  sheet.see(100, "a commit by the publish handle after the first check", verdictOf(late), EXPIRED);

  const again = await nextCheck(scene, body);
  sheet.see(99, "ConsumedTimes of the second check", again?.ConsumedTimes, "2");
  const rolledBack = await scene.end("rollback", again?.ReceiptHandle ?? "", place.group);
  sheet.see(100, "a rollback by the handle of a check", verdictOf(rolledBack), "204");
  sheet.note(
    99,
    deliveredIn(await scene.poll(topic, "numOfMessages=16")).length === 0,
    "it was delivered after a rollback",
  );
}

function publishHalf(scene: Scene, body: string): Promise<Answer> {
  const topic = scene.place.topics.transactional;
  return scene.send({
    method: "POST",
    target: scene.target(topic),
    body: messageDocument({ body, properties: "__TransCheckT:10|" }),
  });
}

/** The next offer of this half message. */
async function nextCheck(scene: Scene, body: string): Promise<Delivered | undefined> {
  const deadline = Date.now() + 25 * SECOND;
  while (Date.now() < deadline) {
    const offered = deliveredIn(
      await scene.poll(scene.place.topics.transactional, "numOfMessages=16&waitseconds=5&trans=pop"),
    );
    const found = offered.find(({ MessageBody }) => MessageBody === body);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function playIdleConnection(scene: Scene): Promise<void> {
  const { normal } = scene.place.topics;
  const target = scene.target(normal, `consumer=${scene.place.group}`, "numOfMessages=1", "tag=never-sent");
  const connection = await scene.connect();
  await scene.sendOn(connection, { method: "GET", target });
  await scene.pass(65 * SECOND);
  const survives = await scene.sendOn(connection, { method: "GET", target }).then(
    ({ status }) => status === 404 || status === 200,
    () => false,
  );
  scene.sheet.note(16, survives, "a connection was gone after 65 s");
  connection.close();
}
