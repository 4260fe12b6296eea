import { type Codec, InvalidMessageError } from "@stagemq/client";
import { connect } from "./connect.ts";

interface Order {
  readonly id: string;
  readonly cents: number;
}

/** A codec of your own may check what comes; a schema library does it in a line. */
const orderCodec: Codec<Order> = {
  encode: (order) => JSON.stringify(order),
  decode: (text) => {
    const { id, cents } = JSON.parse(text) as Partial<Order>;
    if (typeof id !== "string" || typeof cents !== "number") throw new TypeError(`no order: ${text}`);
    return { id, cents };
  },
};

const client = connect();

const producer = client.producer("typed_orders", { codec: orderCodec });
await producer.publish({ body: { id: "o-1", cents: 995 } });
// Somebody else, who knows no codec.
await client.producer("typed_orders").publish({ body: '{"id":7}' });

// What the broker would refuse is refused before it is sent.
await producer
  .publish({ body: { id: "o-2", cents: 1 }, properties: { "a:b": "c" } })
  .catch((error) => console.log(error instanceof InvalidMessageError ? error.message : error));

const consumer = client.consumer("typed_orders", "GID_typed", { codec: orderCodec });
let left = 2;
while (left > 0) {
  const batch = await consumer.receive({ wait: "10s" });
  for (const message of batch) {
    try {
      console.log(`order ${message.body.id} of ${message.body.cents} cents`);
    } catch (error) {
      // Only this message is spoilt, not the batch.
      console.log(`spoilt: ${(error as Error).message}`);
    }
  }
  await batch.acknowledge();
  left -= batch.messages.length;
}

await client.close();
