import { bodyMd5 } from "@stagemq/wire";
import { headerOf } from "../connection.ts";
import { escapeXml, messageDocument, textsOf, verdictOf } from "../documents.ts";
import type { Flow } from "../flow.ts";
import { bodiesOf, type Scene } from "../scene.ts";

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const INVALID = "400 InvalidArgument";
const MALFORMED = "400 MalformedXML";
const XMLNS = "http://mq.aliyuncs.com/doc/v1";

/** What is published to the normal topic, and what comes of it. */
export const publishing: readonly Flow[] = [
  { items: [1, 2, 38, 39, 40, 41, 42, 43, 46, 47, 49], play: playDocuments },
  { items: [44, 48, 45, 67], play: playProperties },
  { items: [50, 51, 52, 53, 54, 55, 56], play: playRefused },
  { items: [85], play: playLarge },
];

async function playDocuments(scene: Scene): Promise<void> {
  const { sheet, place } = scene;
  const topic = place.topics.normal;
  const text = scene.body("\r\n\tblanks  , emoji 🎉 <&> ]]");
  const escaped = escapeXml(text);
  const documents: readonly (readonly [number, string])[] = [
    [39, `<Message><MessageBody>${escaped}</MessageBody></Message>`],
    [
      40,
      `\ufeff<?xml version="1.0" encoding="utf-8"?><Message xmlns="${XMLNS}"><MessageBody>${escaped}</MessageBody></Message>`,
    ],
    [
      41,
      `<?xml version="1.0" encoding="UTF-8"?><Message xmlns="${XMLNS}/"><MessageBody><![CDATA[${text}]]></MessageBody></Message>`,
    ],
    [
      42,
      `<?xml version="1.0" encoding="UTF-8"?>\n<Message xmlns="${XMLNS}">\n\t<MessageBody>${escaped}</MessageBody>\n</Message>\n`,
    ],
    [
      43,
      `<Message><MessageBody>${escaped}</MessageBody><Properties>a:1|</Properties><MessageTag>t</MessageTag></Message>`,
    ],
  ];
  const ids = new Set<string>();
  for (const [item, document] of documents) {
    const answer = await scene.send({ method: "POST", target: scene.target(topic), body: document });
    const [id = ""] = textsOf(answer.body, "MessageId");
    ids.add(id);
    sheet.see(item, "a publish of such a document", verdictOf(answer), "201");
    sheet.see(38, "a publish", answer.status, 201);
    sheet.note(46, /^[0-9A-F]{32}$/.test(id), `a MessageId is ${JSON.stringify(id)}`);
    sheet.see(47, "ReceiptHandle elements of a normal publish", textsOf(answer.body, "ReceiptHandle").length, 0);
  }
  sheet.see(46, "different ids of five messages", ids.size, documents.length);
  const delivered = await scene.collect(
    topic,
    documents.map(() => text),
  );
  sheet.see(
    49,
    "how often a body with line ends, blanks, emoji and XML came back as it was",
    delivered.length,
    documents.length,
  );
  if (place.instance !== undefined) return;
  const body = messageDocument({ body: scene.body("default instance") });
  sheet.see(
    1,
    "a publish without a query",
    (await scene.send({ method: "POST", target: scene.target(topic), body })).status,
    201,
  );
  sheet.see(
    2,
    "a publish with ns=",
    (await scene.send({ method: "POST", target: scene.target(topic, "ns="), body })).status,
    201,
  );
  await scene.clear(topic);
}

async function playProperties(scene: Scene): Promise<void> {
  const { sheet, place } = scene;
  const topic = place.topics.normal;
  for (const properties of ["a:1|b:2|KEYS:k", "KEYS:k|b:2|a:1|"]) {
    const body = scene.body(`properties ${properties.length}`);
    await scene.publish(topic, { body, properties });
    const [message] = await scene.collect(topic, [body]);
    const pairs = (message?.Properties ?? "").split("|").filter((pair) => /^(a|b|KEYS):/.test(pair));
    sheet.see(44, `what came of ${properties}`, pairs.toSorted(), ["KEYS:k", "a:1", "b:2"]);
  }
  const body = scene.body("no key");
  const answer = await scene.publish(topic, { body });
  sheet.see(45, "MessageBodyMD5 of a publish", textsOf(answer.body, "MessageBodyMD5")[0], bodyMd5(body));
  const requestId = headerOf(answer, "x-mq-request-id");
  const [message] = await scene.collect(topic, [body]);
  const [key = ""] = /(?<=KEYS:)[^|]*/.exec(message?.Properties ?? "") ?? [];
  sheet.see(48, "the key of a message without one", key, requestId);
}

async function playRefused(scene: Scene): Promise<void> {
  const { sheet, place } = scene;
  const publish = async (document: string, topic = place.topics.normal) =>
    verdictOf(await scene.send({ method: "POST", target: scene.target(topic), body: document }));

  sheet.see(50, "an empty body", await publish("<Message><MessageBody></MessageBody></Message>"), INVALID);
  sheet.see(50, "no body", await publish("<Message><MessageTag>t</MessageTag></Message>"), INVALID);
  sheet.see(51, "text that is no XML", await publish("hello"), MALFORMED);
  const unescaped = `<Message><MessageBody><![CDATA[${scene.body("a]]>b")}]]></MessageBody></Message>`;
  sheet.see(52, "]]> inside CDATA", await publish(unescaped), MALFORMED);
  sheet.see(
    53,
    "a control character",
    await publish(`<Message><MessageBody>${scene.run}&#1;</MessageBody></Message>`),
    MALFORMED,
  );
  sheet.see(
    54,
    "a body of more than 4 MiB",
    await publish(messageDocument({ body: "x".repeat(MAX_BODY_BYTES + 1) })),
    INVALID,
  );
  const fat = messageDocument({ body: scene.body("fat"), properties: `a:${"x".repeat(16 * 1024)}|` });
  sheet.see(55, "properties of more than 16 KiB", await publish(fat), INVALID);
  const nowhere = await publish(messageDocument({ body: scene.body("nowhere") }), "stagemq_compat_that_nobody_made");
  sheet.see(56, "a publish to a topic that nobody made", nowhere, "404 TopicNotExist");
  await scene.clear(place.topics.normal);
}

async function playLarge(scene: Scene): Promise<void> {
  const topic = scene.place.topics.normal;
  const body = scene.body("").padEnd(MAX_BODY_BYTES, "x");
  await scene.publish(topic, { body });
  scene.sheet.see(85, "deliveries of a body of 4 MiB", bodiesOf(await scene.collect(topic, [body])).length, 1);
}
