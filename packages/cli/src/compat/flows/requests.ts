import { formatContentMd5 } from "@stagemq/wire";
import { messageDocument, textsOf, verdictOf } from "../documents.ts";
import type { Flow } from "../flow.ts";
import type { Scene, SignedRequest } from "../scene.ts";

const EMPTY = "404 MessageNotExist";
const HOUR = 3_600_000;

/** What an unmodified SDK may send, and what must be refused. All of it on the normal topic, where nothing waits by now. */
export const requests: readonly Flow[] = [
  { items: [3, 4, 5, 6, 7, 22, 27, 76, 80], play: playQueries },
  { items: [8, 9, 10, 11, 12, 13, 14, 15, 19, 24, 25, 26, 32], play: playHeaders },
  { items: [17], play: playOneConnection },
  { items: [20], play: playPlainHttp },
  { items: [21, 29], play: playEscapedTopics },
  { items: [30, 31, 33, 34, 35, 36, 62, 63, 64], play: playRefusals },
];

async function playQueries(scene: Scene): Promise<void> {
  const { sheet, place } = scene;
  const verdict = async (target: string, more: Partial<SignedRequest> = {}) =>
    verdictOf(await scene.send({ method: "GET", target, ...more }));
  const target = (...items: readonly string[]) => scene.target(place.topics.normal, ...items);
  const consumer = `consumer=${place.group}`;

  sheet.see(4, "a poll with its query reversed", await verdict(target("numOfMessages=1", consumer)), EMPTY);
  sheet.see(5, "a poll with CONSUMER", await verdict(target(`CONSUMER=${place.group}`, "NUMOFMESSAGES=1")), EMPTY);
  sheet.see(6, "a poll with colour=red", await verdict(target(consumer, "numOfMessages=1", "colour=red")), EMPTY);
  const tags = await verdict(target(consumer, "numOfMessages=1", "tag=never%7c%7Csent"));
  sheet.see(27, "a poll with tag=never%7c%7Csent", tags, EMPTY);
  const long = target(consumer, "numOfMessages=1", `tag=${"x".repeat(900)}`);
  sheet.see(22, "a poll with a request line of 1,000 characters", await verdict(long), EMPTY);
  const bare = `/topics/${place.topics.normal}/messages?`;
  const posted = await scene.send({ method: "POST", target: bare, body: "<x>" });
  sheet.note(3, !/Signature|URL/.test(verdictOf(posted)), `a target that ends in ?: ${verdictOf(posted)}`);
  for (const wait of ["waitseconds=-1", "waitseconds=0", ""]) {
    const start = performance.now();
    await verdict(target(consumer, "numOfMessages=1", ...(wait === "" ? [] : [wait])));
    sheet.note(76, performance.now() - start < 5_000, `a poll with ${wait || "no waitseconds"} waits`);
  }
  for (const count of ["numOfMessages=0", "numOfMessages=17", "numOfMessages=many", ""])
    sheet.see(
      80,
      `a poll with ${count || "no numOfMessages"}`,
      await verdict(target(consumer, ...(count ? [count] : []))),
      EMPTY,
    );

  const body = scene.body("tagged with a blank");
  await scene.publish(place.topics.normal, { body, tag: "a b" });
  const tagged = await scene.collect(place.topics.normal, [body], "tag=a+b");
  sheet.see(7, "messages for tag=a+b after one with the tag `a b`", tagged.length, 1);
}

async function playHeaders(scene: Scene): Promise<void> {
  const { sheet, place } = scene;
  const target = scene.target(place.topics.normal, `consumer=${place.group}`, "numOfMessages=1");
  const poll = async (item: number, what: string, more: Partial<SignedRequest>) =>
    sheet.see(item, what, verdictOf(await scene.send({ method: "GET", target, ...more })), EMPTY);

  const upper = {
    "x-mq-version": undefined,
    "X-MQ-VERSION": "2015-06-06",
    "Content-Type": undefined,
    "CONTENT-TYPE": "text/xml",
  };
  await poll(8, "a poll with headers in capitals", { headers: upper });
  await poll(26, "a poll with X-MQ-VERSION", { headers: upper });
  await poll(13, "a poll with Content-Length: 0", { headers: { "Content-Length": "0" } });
  await poll(24, "a poll without Content-Type", { headers: { "Content-Type": undefined } });
  for (const type of ["text/xml", "text/xml;charset=utf-8", "text/xml;charset=UTF-8"])
    await poll(25, `a poll with Content-Type ${type}`, { headers: { "Content-Type": type } });
  await poll(14, "a poll that takes gzip", { headers: { "Accept-Encoding": "gzip, deflate, br" } });
  await poll(19, "a target with two slashes at its beginning", { target: `/${target}`, signedTarget: target });
  await poll(32, "a poll with a body and the digest of nothing", {
    body: "a",
    headers: { "Content-MD5": formatContentMd5("") },
  });

  const connection = await scene.connect();
  for (const [item, body] of [
    [11, Buffer.from("a")],
    [12, Buffer.from([0, 255, 13, 10, 60])],
    [11, Buffer.from("a")],
  ] as const) {
    const answer = await scene.sendOn(connection, { method: "GET", target, body });
    sheet.see(
      item,
      `a poll with a body of ${body.length} bytes, on a connection that had one before`,
      verdictOf(answer),
      EMPTY,
    );
  }
  connection.close();

  const noBlank = await scene.connect();
  noBlank.send(
    Buffer.from(scene.format({ method: "GET", target }).toString("latin1").replace("Host: ", "Host:"), "latin1"),
  );
  sheet.see(9, "a poll with Host:h", verdictOf(await noBlank.answer()), EMPTY);
  noBlank.close();

  const body = messageDocument({ body: scene.body("expected") });
  const expecting = await scene.send({
    method: "POST",
    target: scene.target(place.topics.normal),
    body,
    headers: { Expect: "100-continue" },
  });
  sheet.see(10, "a publish with Expect", [expecting.wasContinued, expecting.status], [true, 201]);
  await scene.clear(place.topics.normal);
}

async function playOneConnection(scene: Scene): Promise<void> {
  const { sheet, place } = scene;
  const connection = await scene.connect();
  const poll: SignedRequest = {
    method: "GET",
    target: scene.target(place.topics.normal, `consumer=${place.group}`, "numOfMessages=1"),
  };
  await scene.sendOn(connection, poll);
  await scene.sendOn(connection, { ...poll, as: { accessKeySecret: "wrong" } });
  const last = await scene.sendOn(connection, poll);
  sheet.see(17, "the third request on a connection, after a 404 and a 403", verdictOf(last), EMPTY);
  connection.close();
}

async function playPlainHttp({ place, sheet }: Scene): Promise<void> {
  if (place.endpoint.protocol === "http:") sheet.note(20, true, "");
}

async function playEscapedTopics(scene: Scene): Promise<void> {
  const { sheet, place } = scene;
  const poll = (topic: string) => scene.target(topic, `consumer=${place.group}`, "numOfMessages=1");
  const [escaped, plain] = [poll(`%25DLQ%25${place.group}`), poll(`%DLQ%${place.group}`)];
  const asSent = verdictOf(await scene.send({ method: "GET", target: plain }));
  sheet.see(21, "a poll of %25DLQ%25…", verdictOf(await scene.send({ method: "GET", target: escaped })), asSent);
  const decoded = await scene.send({ method: "GET", target: escaped, signedTarget: plain });
  sheet.see(29, "a poll of %25DLQ%25… signed as %DLQ%…", verdictOf(decoded), asSent);
}

async function playRefusals(scene: Scene): Promise<void> {
  const { sheet, place } = scene;
  const target = scene.target(place.topics.normal, `consumer=${place.group}`, "numOfMessages=1");
  const poll = async (more: Partial<SignedRequest>) => scene.send({ method: "GET", target, ...more });

  const body = messageDocument({ body: scene.body("digested") });
  const publish = { method: "POST", target: scene.target(place.topics.normal), body } as const;
  const digest = await scene.send({ ...publish, headers: { "Content-MD5": formatContentMd5(body) } });
  sheet.see(30, "a publish with Content-MD5", digest.status, 201);
  const wrong = await scene.send({ ...publish, headers: { "Content-MD5": formatContentMd5("other") } });
  sheet.see(30, "a publish with a wrong Content-MD5", verdictOf(wrong), "400 InvalidDigest");
  await scene.clear(place.topics.normal);
  const goPoll = await poll({ headers: { "Content-MD5": formatContentMd5("") } });
  sheet.see(31, "a poll with the digest of nothing", verdictOf(goPoll), EMPTY);

  const late = await poll({ date: new Date(Date.now() - HOUR) });
  sheet.see(33, "a poll of an hour ago", verdictOf(late), "408 TimeExpired");
  const badSecret = await poll({ as: { accessKeySecret: "wrong" } });
  sheet.see(34, "a poll with a wrong secret", verdictOf(badSecret), "403 SignatureDoesNotMatch");
  sheet.note(34, textsOf(badSecret.body, "HostId").length === 1, "the refusal of a wrong secret is no full Error");
  const stranger = await poll({ as: { accessKeyId: "stagemq-nobody" } });
  sheet.see(35, "a poll with an unknown key", verdictOf(stranger), "403 InvalidAccessKeyId");
  const anonymous = await poll({ headers: { Authorization: undefined } });
  sheet.see(36, "a poll without Authorization", verdictOf(anonymous), "400 MissingAuthorizationHeader");
  const malformed = await poll({ headers: { Authorization: "Basic xyz" } });
  sheet.see(36, "a poll with Authorization: Basic", verdictOf(malformed), "400 InvalidAuthorizationHeader");
}
