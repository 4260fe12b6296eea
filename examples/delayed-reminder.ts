import { connect } from "./connect.ts";

const client = connect();

const producer = client.producer("reminders");
const sentAt = Date.now();
// Or `deliverAt`, an instant: up to 40 days from now.
await producer.publish({ body: "drink some water", delay: "5s" });

const consumer = client.consumer("reminders", "GID_people");
console.log(`at once: ${(await consumer.receive()).messages.length} messages`);
const batch = await consumer.receive({ wait: "30s" });
for (const { body } of batch) console.log(`${Date.now() - sentAt >= 5_000 ? "in time" : "early"}: ${body}`);
await batch.acknowledge();
await client.close();
