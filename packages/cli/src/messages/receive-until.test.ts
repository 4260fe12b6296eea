import {
  type Batch,
  ConnectionError,
  type Consumer,
  PartialAcknowledgeError,
  type ReceivedMessage,
  type ReceiveOptions,
  RefusedError,
} from "@stagemq/client";
import { beforeEach, describe, expect, it } from "vitest";
import { type Received, type ReceiveUntilOptions, receiveUntil } from "./receive-until.ts";

/** What happened, in its order. */
let story: string[];
let asked: ReceiveOptions[];
let stop: AbortController;
let tally: Received;

beforeEach(() => {
  [story, asked] = [[], []];
  stop = new AbortController();
  tally = { received: 0, acknowledged: 0, refused: 0, nextAt: undefined };
});

const aMessage = (text: string, nextConsumeAt = new Date(1_000)) =>
  ({ text, messageId: text, handle: `handle of ${text}`, nextConsumeAt }) as ReceivedMessage;

type Answer = readonly ReceivedMessage[] | Error | (() => readonly ReceivedMessage[]);

/** A consumer that is given these answers, and nothing more after them. */
function aConsumer(answers: readonly Answer[], acknowledge: (count: number) => void = () => {}): Consumer {
  const left = [...answers];
  return {
    receive: async (options: ReceiveOptions) => {
      asked.push(options);
      if (asked.length > 50) throw new Error("it polls for ever");
      const answer = left.shift() ?? [];
      if (answer instanceof Error) throw answer;
      const messages = typeof answer === "function" ? answer() : answer;
      story.push(`received ${messages.length}`);
      return { messages } as unknown as Batch;
    },
    acknowledge: async (messages: readonly ReceivedMessage[]) => {
      story.push(`acknowledging ${messages.map(({ text }) => text)}`);
      acknowledge(messages.length);
    },
  } as unknown as Consumer;
}

const run = (consumer: Consumer, options: Partial<ReceiveUntilOptions> & { isRead?: boolean } = {}) => {
  const { isRead = true, ...rest } = options;
  const print = async (messages: readonly ReceivedMessage[]) => {
    story.push(`printed ${messages.map(({ text }) => text)}`);
    return isRead;
  };
  const printer = { print, end: async () => {} };
  const usual = {
    max: 16,
    waitMs: 5_000,
    follows: false,
    acknowledges: true,
    signal: stop.signal,
    onFailure: () => {},
  };
  return receiveUntil(consumer, { printer, ...usual, ...rest }, tally);
};

describe("receiving", () => {
  it("acknowledges what was printed, and not before", async () => {
    await run(aConsumer([[aMessage("a"), aMessage("b")], [aMessage("c")]]));
    expect(story).toEqual([
      "received 2",
      "printed a,b",
      "acknowledging a,b",
      "received 1",
      "printed c",
      "acknowledging c",
      "received 0",
    ]);
    expect(tally).toEqual({ received: 3, acknowledged: 3, refused: 0, nextAt: undefined });
  });

  it("waits for the first, and not for more", async () => {
    await run(aConsumer([[aMessage("a")]]));
    expect(asked.map(({ wait }) => wait)).toEqual([5_000, 0]);
  });

  it("takes no more than it was told to", async () => {
    const full = Array.from({ length: 16 }, (_, number) => aMessage(String(number)));
    await run(aConsumer([full, full.slice(0, 4)]), { max: 20 });
    expect(asked.map(({ maxMessages }) => maxMessages)).toEqual([16, 4]);
    expect(tally.received).toBe(20);
  });

  it("does not acknowledge what nobody could read, and ends", async () => {
    await run(aConsumer([[aMessage("a", new Date(2_000)), aMessage("b", new Date(1_000))]]), { isRead: false });
    expect(story).toEqual(["received 2", "printed a,b"]);
    expect(tally).toEqual({ received: 2, acknowledged: 0, refused: 0, nextAt: new Date(1_000) });
  });

  it("acknowledges nothing if told so, and knows when the first comes again", async () => {
    await run(aConsumer([[aMessage("a", new Date(1_000))], [aMessage("b", new Date(2_000))]]), { acknowledges: false });
    expect(story.some((line) => line.startsWith("acknowledging"))).toBe(false);
    expect(tally).toEqual({ received: 2, acknowledged: 0, refused: 0, nextAt: new Date(1_000) });
  });

  it("counts what came too late", async () => {
    const late = { handle: "h", messageId: "a", code: "MessageNotExist", message: "Too late." };
    const consumer = aConsumer([[aMessage("a"), aMessage("b")]], (count) => {
      throw new PartialAcknowledgeError([late], count, undefined);
    });
    await run(consumer);
    expect(tally).toMatchObject({ received: 2, acknowledged: 1, refused: 1 });
  });

  it("told to stop while it waits, it ends quietly", async () => {
    const consumer = aConsumer([
      () => {
        stop.abort();
        throw stop.signal.reason;
      },
    ]);
    await run(consumer);
    expect(tally.received).toBe(0);
  });

  it("told to stop with messages in hand, it prints and acknowledges them, and takes no more", async () => {
    const consumer = aConsumer([
      () => {
        stop.abort();
        return [aMessage("a")];
      },
      [aMessage("b")],
    ]);
    await run(consumer, { follows: true });
    expect(story).toEqual(["received 1", "printed a", "acknowledging a"]);
  });

  it("tells how far it came when it fails", async () => {
    const refusal = new RefusedError("TopicNotExist", "Gone.", { status: 404 });
    await expect(run(aConsumer([[aMessage("a")], refusal]))).rejects.toBe(refusal);
    expect(tally).toMatchObject({ received: 1, acknowledged: 1 });
  });
});

describe("following", () => {
  const lost = new ConnectionError("Lost.", { outcomeUnknown: false, cause: undefined });

  it("goes on after nothing came, and waits as long as one may", async () => {
    await run(aConsumer([[], [aMessage("a")], [], [aMessage("b")]]), { follows: true, max: 2 });
    expect(tally.acknowledged).toBe(2);
    expect(new Set(asked.map(({ wait }) => wait))).toEqual(new Set([30_000]));
  });

  it("outlives a broker that is away for a while", async () => {
    const failures: unknown[] = [];
    const onFailure = (error: unknown) => failures.push(error);
    await run(aConsumer([[aMessage("a")], lost, [aMessage("b")]]), { follows: true, max: 2, onFailure });
    expect([tally.acknowledged, failures]).toEqual([2, [lost]]);
  });

  it("does not wait for a broker that never was there, nor for what waiting does not cure", async () => {
    await expect(run(aConsumer([lost]), { follows: true })).rejects.toBe(lost);
    const refusal = new RefusedError("TopicNotExist", "Gone.", { status: 404 });
    await expect(run(aConsumer([[aMessage("a")], refusal]), { follows: true })).rejects.toBe(refusal);
  });
});
