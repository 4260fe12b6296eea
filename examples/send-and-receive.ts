import { connect } from "./connect.ts";

const client = connect();

const { messageId } = await client.producer("greetings").publish({
  body: "hello",
  tag: "english",
  key: "greeting-1",
  properties: { from: "examples" },
});
console.log(`published ${messageId.length > 0 ? "with a message id" : "without one"}`);

const batch = await client.consumer("greetings", "GID_listeners", { tag: "english||french" }).receive({ wait: "10s" });
for (const { body, tag, keys, properties, attempt } of batch) {
  console.log(`received "${body}" tag=${tag} key=${keys} from=${properties.from} attempt ${attempt}`);
}
// What is not acknowledged comes again.
await batch.acknowledge();
console.log(`acknowledged ${batch.messages.length}`);
await client.close();
