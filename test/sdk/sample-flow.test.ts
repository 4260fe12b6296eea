import { createRequire } from "node:module";
import * as dropIn from "@stagemq/client/mq-http-sdk";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { BrokerProcess, cleanUp } from "../process/broker-process.ts";

// It has no types. What it gives must fit the drop-in's.
const official: typeof dropIn = createRequire(import.meta.url)("@aliyunmq/mq-http-sdk");

const INSTANCE = "MQ_INST_dev";
const NOTHING_THERE = { Code: "MessageNotExist", RequestId: expect.stringMatching(/^[0-9A-F]+$/) };
const DONE = { code: 204, requestId: expect.any(String), body: undefined };

afterAll(cleanUp);

// What the product's samples for Node do, with what their reader is told to expect. The import is all that differs.
for (const { from, sdk, retry } of [
  // It gives up on a publish after 3 s: that may be the machine's fault.
  { from: "@aliyunmq/mq-http-sdk", sdk: official, retry: 2 },
  { from: "@stagemq/client/mq-http-sdk", sdk: dropIn, retry: 0 },
])
  describe(`the samples' flow with ${from}`, { retry }, () => {
    const { MQClient, MessageProperties } = sdk;
    let broker: BrokerProcess;
    let client: dropIn.MQClient;

    beforeEach(async () => {
      broker = await BrokerProcess.start({ args: ["--clock", "simulated"] });
      const { http, accessKeyId = "", accessKeySecret = "" } = broker.ready;
      client = new MQClient(http, accessKeyId, accessKeySecret);
    });

    afterEach(async () => {
      await broker.stop();
    });

    it("publishes messages and a delayed one, consumes and acknowledges them", async () => {
      const producer = client.getProducer(INSTANCE, "orders");
      const start = (await broker.advance("0s")).getTime();
      const normal = new MessageProperties();
      normal.putProperty("a", "1");
      normal.messageKey("MessageKey");
      const published = await producer.publishMessage("hello mq.", "TagA", normal);
      expect(published).toEqual({
        code: 201,
        requestId: expect.any(String),
        body: {
          MessageId: expect.stringMatching(/^[0-9A-F]{32}$/),
          MessageBodyMD5: "50BFBC4D7904F9A3C57EF4BBD9F36E44",
        },
      });
      const delayed = new MessageProperties();
      delayed.startDeliverTime(start + 10_000);
      await producer.publishMessage("hello mq. timer msg!", "TagA", delayed);
      await producer.publishMessage("not for this consumer", "TagB");

      const consumer = client.getConsumer(INSTANCE, "orders", "GID_orders", "TagA");
      const first = await consumer.consumeMessage(3, 3);
      expect(first).toEqual({
        code: 200,
        requestId: expect.any(String),
        body: [
          {
            ...published.body,
            MessageBody: "hello mq.",
            MessageTag: "TagA",
            MessageKey: "MessageKey",
            Properties: { a: "1" },
            PublishTime: String(start),
            FirstConsumeTime: String(start),
            NextConsumeTime: String(start + 300_000),
            ConsumedTimes: "1",
            ReceiptHandle: expect.any(String),
          },
        ],
      });
      expect(await consumer.ackMessage(first.body.map(({ ReceiptHandle }) => ReceiptHandle))).toEqual(DONE);
      await expect(consumer.consumeMessage(3)).rejects.toMatchObject(NOTHING_THERE);

      await broker.advance("10s");
      const { body: due } = await consumer.consumeMessage(3, 3);
      expect(due).toMatchObject([{ MessageBody: "hello mq. timer msg!", StartDeliverTime: start + 10_000 }]);
      const handles = due.map(({ ReceiptHandle }) => ReceiptHandle);
      const partly = await consumer.ackMessage([...handles, "no-handle"]);
      expect(partly).toMatchObject({
        code: 404,
        body: [{ ErrorCode: "ReceiptHandleError", ReceiptHandle: "no-handle" }],
      });
    });

    it("publishes in order, and consumes in the order of each sharding key", async () => {
      const producer = client.getProducer(INSTANCE, "ordered");
      for (let i = 0; i < 8; i++) {
        const properties = new MessageProperties();
        properties.putProperty("a", String(i));
        properties.shardingKey(String(i % 2));
        await producer.publishMessage("hello mq!", "", properties);
      }
      const consumer = client.getConsumer(INSTANCE, "ordered", "GID_ordered");
      const keyOf = ({ body }: dropIn.ConsumeResult) => body[0]?.ShardingKey;
      const held = await consumer.consumeMessageOrderly(3, 3);
      const other = await consumer.consumeMessageOrderly(3, 3);
      expect([keyOf(held), keyOf(other)].toSorted()).toEqual(["0", "1"]);
      // Neither goes on before its batch is acknowledged.
      await expect(consumer.consumeMessageOrderly(3)).rejects.toMatchObject(NOTHING_THERE);

      const seen = [...held.body, ...other.body];
      expect(await consumer.ackMessage(seen.map(({ ReceiptHandle }) => ReceiptHandle))).toEqual(DONE);
      while (seen.length < 8) {
        const { body } = await consumer.consumeMessageOrderly(3, 3);
        seen.push(...body);
        expect(await consumer.ackMessage(body.map(({ ReceiptHandle }) => ReceiptHandle))).toEqual(DONE);
      }
      for (const key of ["0", "1"]) {
        const numbers = seen
          .filter(({ ShardingKey }) => ShardingKey === key)
          .map(({ Properties }) => Number(Properties.a));
        expect(numbers).toEqual([0, 2, 4, 6].map((even) => even + Number(key)));
      }
      await expect(consumer.consumeMessageOrderly(3)).rejects.toMatchObject(NOTHING_THERE);
    });

    it("commits at once, at the check, at the next check, and rolls back", async () => {
      const producer = client.getTransProducer(INSTANCE, "payments", "GID_shop");
      const published: string[] = [];
      for (let i = 0; i < 4; i++) {
        const properties = new MessageProperties();
        properties.putProperty("a", String(i));
        properties.transCheckImmunityTime(10);
        const { code, body } = await producer.publishMessage("hello mq.", "", properties);
        expect({ code, body }).toMatchObject({ code: 201, body: { ReceiptHandle: expect.any(String) } });
        published.push(body.ReceiptHandle ?? "");
      }
      expect(await producer.commit(published[0] ?? "")).toEqual(DONE);
      await expect(producer.consumeHalfMessage(3)).rejects.toMatchObject(NOTHING_THERE);

      await broker.advance("11s");
      const ended: dropIn.HandlesResult[] = [];
      const asked: string[] = [];
      for (let check = 1; check <= 2; check++) {
        const { body } = await producer.consumeHalfMessage(3, 3);
        for (const { ReceiptHandle: handle, Properties, ConsumedTimes } of body) {
          asked.push(`${Properties.a} for the time ${ConsumedTimes}`);
          if (Properties.a === "1") ended.push(await producer.commit(handle));
          if (Properties.a === "2" && ConsumedTimes === "2") ended.push(await producer.commit(handle));
          if (Properties.a === "3") ended.push(await producer.rollback(handle));
        }
        await broker.advance("10s");
      }
      const asExpected = ["1 for the time 1", "2 for the time 1", "3 for the time 1", "2 for the time 2"];
      expect(asked).toEqual(asExpected);
      expect(ended).toEqual([DONE, DONE, DONE]);
      const late = await producer.commit(published[3] ?? "");
      expect(late).toMatchObject({ code: 404, body: [{ ErrorCode: "MessageNotExist", ReceiptHandle: published[3] }] });

      const { body } = await client.getConsumer(INSTANCE, "payments", "GID_payments").consumeMessage(16, 3);
      expect(body.map(({ Properties }) => Properties.a).toSorted()).toEqual(["0", "1", "2"]);
    });

    it("throws what the broker refuses, with its code and the request's id", async () => {
      const { http, accessKeyId = "" } = broker.ready;
      const stranger = new MQClient(http, accessKeyId, "not the secret");
      const refused = await stranger
        .getProducer("", "orders")
        .publishMessage("hello")
        .catch((error: unknown) => error);
      expect(refused).toMatchObject({ Code: "SignatureDoesNotMatch", RequestId: expect.stringMatching(/^[0-9A-F]+$/) });
      const { RequestId, message } = refused as { RequestId: string; message: string };
      const start = `POST ${http}/topics/orders/messages failed with 403. RequestId: ${RequestId}, ErrorCode: SignatureDoesNotMatch, ErrorMsg: `;
      expect(message.slice(0, start.length)).toBe(start);
    });
  });
