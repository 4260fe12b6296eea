import { randomUUID } from "node:crypto";
import { json } from "@stagemq/client";
import Database from "libsql";
import { connect } from "./connect.ts";

interface Payment {
  readonly id: string;
  readonly cents: number;
}

const client = connect();
const codec = json<Payment>();
const topic = `payments_${randomUUID().slice(0, 8)}`;
const producer = client.transactionalProducer(topic, "GID_payments", { codec });

const database = new Database(":memory:");
database.exec("create table payments (id text primary key, cents integer not null check (cents > 0))");
const insert = ({ id, cents }: Payment) => database.prepare("insert into payments values (?, ?)").run(id, cents);
const isBooked = ({ id }: Payment) => database.prepare("select 1 from payments where id = ?").get(id) !== undefined;

// Asked about what a crash left open: the table knows.
const checker = producer.onCheck(({ body: payment, attempt }) => {
  if (isBooked(payment)) return "commit";
  // A transaction may still be under way; after a few checks it is not.
  return attempt < 3 ? "unknown" : "rollback";
});

// The table takes it: the message is committed with it.
const booked = { id: "p-1", cents: 995 };
await producer.transaction({ body: booked, key: booked.id }, () => insert(booked));
console.log("p-1 booked");

// The table refuses it: no consumer ever sees the message.
const refused = { id: "p-2", cents: -1 };
await producer
  .transaction({ body: refused, key: refused.id }, () => insert(refused))
  .catch((error: Error) => console.log(`p-2 refused: ${/CHECK/.test(error.message) ? "the amount" : error.message}`));

// The process dies after the table and before the commit: the back-check finds the payment, and commits.
const interrupted = { id: "p-3", cents: 250 };
await producer.transaction({ body: interrupted, key: interrupted.id, checkAfter: "10s" }, (half) => {
  insert(interrupted);
  half.leaveUnknown();
});
console.log("p-3 left open");

const seen: string[] = [];
for await (const batch of client
  .consumer(topic, "GID_ledger", { codec })
  .batches({ signal: AbortSignal.timeout(60_000) })) {
  for (const { body } of batch) seen.push(body.id);
  await batch.acknowledge();
  if (seen.includes("p-3")) break;
}
console.log(`the ledger saw ${seen.join(", ")}`);

await checker.stop();
database.close();
await client.close();
