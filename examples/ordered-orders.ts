import { randomUUID } from "node:crypto";
import { json, type ReceivedMessage } from "@stagemq/client";
import Database from "libsql";
import { connect } from "./connect.ts";

interface OrderStep {
  readonly order: string;
  readonly step: "created" | "paid" | "shipped";
}

const client = connect();
const codec = json<OrderStep>();
const topic = `order_steps_${randomUUID().slice(0, 8)}`;

// Messages with the same sharding key keep their order, however many keys there are.
const producer = client.producer(topic, { codec });
const orders = ["o-1", "o-2", "o-3"];
await Promise.all(
  orders.flatMap((order) =>
    (["created", "paid", "shipped"] as const).map((step) =>
      producer.publish({ body: { order, step }, tag: step, key: order, shardingKey: order }),
    ),
  ),
);

const database = new Database(":memory:");
database.exec("create table handled (message_id text primary key)");
database.exec("create table orders (id text primary key, step text not null)");

/** A message can come twice. Its id is stored in the transaction that does the work, so that the work is done once. */
const handleOnce = database.transaction(({ messageId, body: { order, step } }: ReceivedMessage<OrderStep>) => {
  const { changes } = database.prepare("insert or ignore into handled values (?)").run(messageId);
  if (changes === 0) return false;
  database.prepare("insert into orders values (?, ?) on conflict do update set step = excluded.step").run(order, step);
  return true;
});

const history = new Map<string, string[]>();
let handled = 0;
const run = client.consumer(topic, "GID_shop", { ordered: true, codec }).run({ concurrency: 4 }, (message) => {
  if (!handleOnce(message)) return;
  const { order, step } = message.body;
  history.set(order, [...(history.get(order) ?? []), step]);
  handled += 1;
  if (handled === orders.length * 3) stopSoon();
});

/** From within a handler: stop() waits for it. */
function stopSoon(): void {
  queueMicrotask(() => run.stop().catch(console.error));
}

await run.stopped;
for (const order of orders) console.log(`${order}: ${history.get(order)?.join(", ")}`);
const shipped = database.prepare("select count(*) as count from orders where step = 'shipped'").get() as {
  count: number;
};
console.log(`${shipped.count} orders shipped`);
database.close();
await client.close();
