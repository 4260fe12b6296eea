import type { SeededRandom } from "../../crash/seeded-random.ts";
import { elementsOf } from "../../process/ask.ts";
import { BrokerProcess } from "../../process/broker-process.ts";
import { RawClient } from "../../process/raw-client.ts";
import { type AnyRequest, acknowledge, formatRequest, poll, publish } from "../../process/signed-request.ts";
import { hold, percentile } from "../front-door/figures.ts";
import { scenario } from "../scenario.ts";

const LANES = 8;
/** 4 MiB, and 20 in an answer: more than the sockets between us take at once. */
const LARGE = `<![CDATA[${"&".repeat(4 * 1_024 * 1_024)}]]>`;
const LARGE_EVERY = 40;
/** Of a large answer. */
const READ_UP_TO_BYTES = 3_000_000;
/** Five times what is promised. */
const BACK_WITHIN_MS = 5_000;

export const dyingClients = scenario<{ readonly deaths: number }>({
  name: "dying-clients",
  does: "clients die while they wait, or in the middle of an answer larger than their socket takes: the message is there again soon, as if it had not been delivered",
  short: { deaths: 500, withinS: 300 },
  full: { deaths: 10_000, withinS: 1_500 },
  cores: 1,
  async run({ deaths }, random) {
    // Its clock stands still: nothing comes again because its time has passed.
    const broker = await BrokerProcess.start({
      args: ["--clock", "simulated"],
      environment: { STAGEMQ_LOG_LEVEL: "warn" },
    });
    const sum = { whileWaiting: 0, inAnAnswer: 0 };
    const backAfter: number[] = [];
    let left = deaths;
    const lane = async (number: number) => {
      for (let death = 1; left-- > 0; death++) {
        // Not all lanes at once.
        const isLarge = (death + number) % LARGE_EVERY === 0;
        const topic = `lane-${number}`;
        const died = isLarge ? await dieReading(broker, topic, random) : await dieWaiting(broker, topic, random);
        backAfter.push(await take(broker, topic, died));
        sum[isLarge ? "inAnAnswer" : "whileWaiting"] += 1;
      }
    };
    await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
    const { code } = await broker.stop();
    const figures = { deaths, ...sum, backP99Ms: percentile(backAfter, 99), backMaxMs: percentile(backAfter, 100) };
    hold("it stops well", code === 0, { ...figures, code: `${code}` });
    hold("each message is there again soon", figures.backMaxMs <= BACK_WITHIN_MS, figures);
    return figures;
  },
});

/** When it died; the message is published then. */
async function dieWaiting(broker: BrokerProcess, topic: string, random: SeededRandom): Promise<number> {
  const client = await RawClient.connect(broker.endpoint);
  const request = poll(topic, "GID_a");
  // In one piece: when the first is answered, the second has come.
  client.send(Buffer.concat([formatRequest(request), formatRequest(waiting(request))]));
  const { status } = await client.response();
  hold("the topic was empty", status === 404, { topic, status });
  if (random.percent(50)) client.close();
  else client.socket.resetAndDestroy();
  await send(broker, publish(topic));
  return performance.now();
}

async function dieReading(broker: BrokerProcess, topic: string, random: SeededRandom): Promise<number> {
  await send(broker, publish(topic, { body: LARGE }));
  const client = await RawClient.connect(broker.endpoint);
  client.send(formatRequest(poll(topic, "GID_a")));
  await client.received(1 + random.below(READ_UP_TO_BYTES));
  client.socket.resetAndDestroy();
  return performance.now();
}

/** How long after that instant the message was there as for the first time; it is gone then. */
async function take(broker: BrokerProcess, topic: string, since: number): Promise<number> {
  const client = await RawClient.connect(broker.endpoint);
  client.send(formatRequest(waiting(poll(topic, "GID_a"))));
  // Not when all of a large answer is.
  await client.received(1);
  const tookMs = performance.now() - since;
  const response = await client.response();
  client.close();
  const times = elementsOf(response, "ConsumedTimes").join();
  hold("it is delivered as for the first time", times === "1", { topic, times, status: response.status });
  const done = await send(broker, acknowledge(topic, "GID_a", ...elementsOf(response, "ReceiptHandle")));
  hold("it can be acknowledged", done.status === 204, { status: done.status });
  return tookMs;
}

function waiting(request: AnyRequest): AnyRequest {
  return { ...request, target: `${request.target}&waitseconds=30` };
}

async function send(broker: BrokerProcess, request: AnyRequest) {
  const client = await RawClient.connect(broker.endpoint);
  client.send(formatRequest(request));
  const response = await client.response();
  client.close();
  return response;
}
