import { ConnectionError, InvalidMessageError, RefusedError } from "@stagemq/client";
import { beforeEach, describe, expect, it } from "vitest";
import type { MessageToSend } from "./message-record.ts";
import { type LinesSent, type SendLinesOptions, sendLines } from "./send-lines.ts";

let sent: MessageToSend[];
let told: string[];
let stop: AbortController;

beforeEach(() => {
  [sent, told] = [[], []];
  stop = new AbortController();
});

async function* inOneChunk(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

const line = (body: string, more: object = {}) => `${JSON.stringify({ body, ...more })}\n`;

/** Sends a file to a broker that takes everything, unless it throws at it. */
function run(
  text: string,
  options: Partial<SendLinesOptions> & { takes?: (body: string) => unknown } = {},
): Promise<LinesSent> {
  const { takes = () => undefined, ...rest } = options;
  return sendLines(inOneChunk(text), {
    send: async (message) => {
      await takes(String(message.body));
      sent.push(message);
      return { messageId: `id of ${message.body}`, bodyMd5: "MD5" };
    },
    complete: (message) => message,
    pace: undefined,
    signal: stop.signal,
    onRead: () => {},
    onSent: async () => {},
    onFailure: (number, sentence) => told.push(`${number}: ${sentence}`),
    ...rest,
  });
}

const bodies = () => sent.map(({ body }) => body);
const unreachable = () => new ConnectionError("There is no connection.", { outcomeUnknown: false, cause: undefined });

describe("a file of messages", () => {
  it("is sent line by line, in its order", async () => {
    const text = Array.from({ length: 40 }, (_, number) => line(String(number))).join("");
    const slowFirst = async (body: string) => {
      if (body === "0") await new Promise((resolve) => setImmediate(resolve));
    };
    expect(await run(text, { takes: slowFirst })).toEqual({
      sent: 40,
      refused: 0,
      failure: undefined,
      unsent: [],
      nextLine: undefined,
    });
    expect(bodies()).toEqual(Array.from({ length: 40 }, (_, number) => String(number)));
  });

  it("different sharding keys go side by side, each in its order", async () => {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const keys = line("a1", { shardingKey: "a" }) + line("a2", { shardingKey: "a" }) + line("b1", { shardingKey: "b" });
    const takes = async (body: string) => {
      if (body === "a1") await held;
      if (body === "b1") release();
    };
    await run(keys, { takes });
    expect(bodies()).toEqual(["b1", "a1", "a2"]);
  });

  it("a line says more than the flags, and the flags count for the others", async () => {
    const complete = (message: MessageToSend) => ({ tag: "flag", ...message });
    await run(line("1", { tag: "line" }) + line("2"), { complete });
    expect(sent.map(({ tag }) => tag)).toEqual(["line", "flag"]);
  });

  it("bad lines are named and do not touch the others; empty ones are passed over", async () => {
    const outcome = await run(`${line("1")}nope\n\n  \n{}\n${line("6")}`);
    expect([outcome.sent, outcome.refused, outcome.failure]).toEqual([2, 2, undefined]);
    expect(bodies()).toEqual(["1", "6"]);
    expect(told).toEqual([
      expect.stringMatching(/^2: This is not JSON/),
      expect.stringMatching(/^5: There is no body/),
    ]);
  });

  it("so are bytes that are no text", async () => {
    const chunk = Buffer.concat([Buffer.from('{"body":"'), Buffer.from([0xff]), Buffer.from(`"}\n${line("2")}`)]);
    async function* bytes() {
      yield chunk;
    }
    const outcome = await sendLines(bytes(), {
      send: async () => ({ messageId: "id", bodyMd5: "MD5" }),
      complete: (message) => message,
      pace: undefined,
      signal: stop.signal,
      onRead: () => {},
      onSent: async () => {},
      onFailure: (number, sentence) => told.push(`${number}: ${sentence}`),
    });
    expect([outcome.sent, outcome.refused, told]).toEqual([1, 1, ["1: This is not UTF-8."]]);
  });

  it.each([
    new InvalidMessageError("The body has 0 bytes."),
    new RefusedError("InvalidArgument", "The topic is ordered.", { status: 400 }),
    new RefusedError("MalformedXML", "Not XML.", { status: 400 }),
  ])("one message that is refused does not touch the others: $message", async (error) => {
    const takes = (body: string) => {
      if (body === "2") throw error;
    };
    const outcome = await run(line("1") + line("2") + line("3"), { takes });
    expect([outcome.sent, outcome.refused, outcome.unsent]).toEqual([2, 1, []]);
    expect(told).toEqual([expect.stringContaining(error.message)]);
  });

  it.each([
    [unreachable(), 69],
    [new RefusedError("TopicNotExist", "No such topic.", { status: 404 }), 3],
    [new RefusedError("AccessDenied", "No.", { status: 403 }), 4],
    [new RefusedError("InternalServerError", "Full.", { status: 503 }), 1],
  ])("a broker that cannot be used ends it, and what was not sent is named: %s", async (error, exitCode) => {
    const takes = (body: string) => {
      if (body === "2") throw error;
    };
    const text = Array.from({ length: 100 }, (_, number) => line(String(number + 1))).join("");
    const outcome = await run(text, { takes });
    expect(outcome.failure?.exitCode).toBe(exitCode);
    expect(bodies()).toEqual(["1"]);
    expect(told).toHaveLength(1);
    const { unsent, nextLine = 0 } = outcome;
    expect(unsent).toEqual(Array.from({ length: nextLine - 2 }, (_, at) => at + 2));
  });

  it("told to stop, it finishes what is under way and says where to go on", async () => {
    const takes = (body: string) => {
      if (body === "2") stop.abort();
    };
    const outcome = await run(line("1") + line("2") + line("3") + line("4"), { takes });
    expect(bodies()).toEqual(["1", "2"]);
    expect(outcome.failure).toBeUndefined();
    expect([...outcome.unsent, outcome.nextLine].filter((number) => number !== undefined)).toContain(3);
  });

  it("told to stop in the middle of a line, it does not send half of it", async () => {
    async function* unfinished() {
      yield Buffer.from(line("1"));
      yield Buffer.from('{"body":"2"}');
      stop.abort();
      await new Promise(() => {});
    }
    const { send, ...rest } = {
      send: async (message: MessageToSend) => {
        sent.push(message);
        return { messageId: "id", bodyMd5: "MD5" };
      },
      complete: (message: MessageToSend) => message,
      pace: undefined,
      signal: stop.signal,
      onRead: () => {},
      onSent: async () => {},
      onFailure: () => {},
    };
    const outcome = await sendLines(unfinished(), { send, ...rest });
    expect([bodies(), outcome.nextLine]).toEqual([["1"], 2]);
  });

  it("a mistake of ours is none of the broker's", async () => {
    await expect(
      run(line("1"), {
        takes: () => {
          throw new TypeError("a bug");
        },
      }),
    ).rejects.toThrow("a bug");
  });
});
