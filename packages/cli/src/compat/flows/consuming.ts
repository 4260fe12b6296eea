import { deliveredIn, handlesDocument, textsOf, verdictOf } from "../documents.ts";
import type { Flow } from "../flow.ts";
import { bodiesOf, handlesOf, type Scene } from "../scene.ts";

const GARBAGE = "not-a-handle";
const EMPTY = "404 MessageNotExist";
const FIVE_MINUTES = 300_000;
/** The network, and a machine that is busy. */
const SLACK_MS = 5_000;

/** How messages of the normal topic are delivered and acknowledged. */
export const consuming: readonly Flow[] = [
  { items: [59, 60, 61], play: playEmptyPoll },
  { items: [65, 66, 68, 69, 70, 75], play: playDelivery },
  { items: [81], play: playFilter },
  { items: [82], play: playTwoGroups },
  { items: [83], play: playUnknownGroup },
  { items: [78, 79], play: playWaitingPolls },
  { items: [91, 92, 93, 95, 96], play: playAcknowledgements },
];

async function playEmptyPoll(scene: Scene): Promise<void> {
  await scene.clear(scene.place.topics.normal);
  const answer = await scene.poll(scene.place.topics.normal, "numOfMessages=16");
  scene.sheet.see(59, "an empty poll", verdictOf(answer), EMPTY);
  scene.sheet.see(59, "its text", textsOf(answer.body, "Message")[0]?.split(" Hint")[0], "Message not exist.");
  scene.sheet.note(60, answer.status === 404, `an empty poll is ${answer.status}`);
}

async function playDelivery(scene: Scene): Promise<void> {
  const { sheet, place } = scene;
  const topic = place.topics.normal;
  const bodies = [1, 2, 3].map((number) => scene.body(`delivered ${number}`));
  for (const body of bodies) await scene.publish(topic, { body });
  const start = performance.now();
  const delivered = deliveredIn(await scene.poll(topic, "numOfMessages=2&waitseconds=30"));
  sheet.note(75, performance.now() - start < 10_000, "a poll waits though messages are there");
  sheet.note(75, delivered.length >= 1 && delivered.length <= 2, `a poll for 2 got ${delivered.length}`);
  const [first] = delivered;
  sheet.see(69, "ConsumedTimes of a first delivery", first?.ConsumedTimes, "1");
  const hidden = Number(first?.NextConsumeTime) - Number(first?.FirstConsumeTime);
  sheet.note(70, Math.abs(hidden - FIVE_MINUTES) < 1_000, `a delivery is hidden for ${hidden} ms`);
  await scene.acknowledge(topic, handlesOf(delivered));
  await scene.clear(topic);
}

async function playFilter(scene: Scene): Promise<void> {
  const topic = scene.place.topics.normal;
  const tagged = (tag: string) => scene.body(`tag ${tag}`);
  for (const tag of ["A", "B", "C"]) await scene.publish(topic, { body: tagged(tag), tag });
  const wanted = [tagged("A"), tagged("B")];
  const found = bodiesOf(await scene.collect(topic, [...wanted], "tag=A%7C%7CB"));
  scene.sheet.see(81, "what came for A||B", found.toSorted(), wanted);
  const rest = deliveredIn(await scene.poll(topic, "numOfMessages=16&tag=A%7C%7CB"));
  scene.sheet.see(81, "what came besides for A||B", bodiesOf(rest), []);
  await scene.clear(topic);
}

async function playTwoGroups(scene: Scene): Promise<void> {
  const { topics, group, otherGroup } = scene.place;
  // A group may start at its first poll.
  await scene.poll(topics.normal, "numOfMessages=16", otherGroup);
  const body = scene.body("for both");
  await scene.publish(topics.normal, { body });
  for (const one of [group, otherGroup])
    scene.sheet.see(82, `deliveries to ${one}`, (await scene.collect(topics.normal, [body], "", one)).length, 1);
}

async function playUnknownGroup(scene: Scene): Promise<void> {
  const verdict = verdictOf(await scene.poll(scene.place.topics.normal, "numOfMessages=1", `GID_${scene.run}`));
  const fits = ["200", EMPTY, "404 SubscriptionNotExist"].includes(verdict);
  scene.sheet.note(83, fits, `a poll by an unknown group is ${verdict}`);
}

async function playWaitingPolls(scene: Scene): Promise<void> {
  const { sheet, place } = scene;
  const topic = place.topics.normal;
  await scene.clear(topic);
  const [woken, lost] = [scene.body("wakes"), scene.body("nobody there")];

  const poll = scene.poll(topic, "numOfMessages=16&waitseconds=20");
  await scene.pass(1_000);
  const start = performance.now();
  await scene.publish(topic, { body: woken });
  const delivered = deliveredIn(await poll);
  sheet.see(78, "what a waiting poll got", bodiesOf(delivered), [woken]);
  sheet.note(78, performance.now() - start < SLACK_MS, "a waiting poll was answered more than 5 s after the publish");
  await scene.acknowledge(topic, handlesOf(delivered));

  const gone = await scene.connect();
  const query = "numOfMessages=16&waitseconds=20";
  gone.send(scene.format({ method: "GET", target: scene.target(topic, `consumer=${place.group}`, query) }));
  await scene.pass(1_000);
  gone.close();
  await scene.pass(500);
  await scene.publish(topic, { body: lost });
  const [again] = await scene.collect(topic, [lost]);
  sheet.see(79, "ConsumedTimes after a poll whose client went away", again?.ConsumedTimes, "1");
}

async function playAcknowledgements(scene: Scene): Promise<void> {
  const { sheet, place } = scene;
  const topic = place.topics.normal;
  await scene.clear(topic);
  await scene.publish(topic, { body: scene.body("acknowledged") });
  const [handle = ""] = handlesOf(deliveredIn(await scene.poll(topic, "numOfMessages=1&waitseconds=5")));

  const garbage = await scene.acknowledge(topic, [GARBAGE, `${GARBAGE}-2`]);
  sheet.see(92, "two garbage handles", verdictOf(garbage), "404 ReceiptHandleError ReceiptHandleError");
  sheet.see(92, "the handles echoed", textsOf(garbage.body, "ReceiptHandle"), [GARBAGE, `${GARBAGE}-2`]);
  const mixed = await scene.acknowledge(topic, [handle, GARBAGE]);
  sheet.see(93, "a good handle beside garbage", textsOf(mixed.body, "ReceiptHandle"), [GARBAGE]);
  await scene.publish(topic, { body: scene.body("acknowledged alone") });
  const [next = ""] = handlesOf(deliveredIn(await scene.poll(topic, "numOfMessages=1&waitseconds=5")));
  const good = await scene.acknowledge(topic, [next]);
  sheet.see(91, "an acknowledgement", [good.status, good.body], [204, ""]);
  const none = await scene.send({
    method: "DELETE",
    target: scene.target(topic, `consumer=${place.group}`),
    body: handlesDocument([]),
  });
  sheet.see(96, "an acknowledgement without a handle", verdictOf(none), "400 MissingReceiptHandle");
}
