import { type CheckedMessage, RefusedError, type TransactionalProducer } from "@stagemq/client";
import { describe, expect, it } from "vitest";
import { type End, endTransactions, gatherHalfMessages } from "./half-messages.ts";

const signal = new AbortController().signal;
const half = (messageId: string, handle = "first") => ({ messageId, handle }) as CheckedMessage;

/** A producer that is offered these, poll by poll. */
function aProducer(
  offers: readonly (readonly CheckedMessage[])[],
  end: (message: CheckedMessage, how: End) => void = () => {},
) {
  const left = [...offers];
  const waits: unknown[] = [];
  const producer = {
    receiveHalf: async ({ wait }: { wait?: unknown }) => {
      waits.push(wait);
      return left.shift() ?? [];
    },
    commit: async (message: CheckedMessage) => end(message, "commit"),
    rollback: async (message: CheckedMessage) => end(message, "rollback"),
  } as unknown as TransactionalProducer;
  return { producer, waits };
}

describe("gathering half messages", () => {
  it("waits for the first, and takes what is there until nothing new comes", async () => {
    const { producer, waits } = aProducer([[half("a")], [half("b")], [half("a", "second")], [half("c")]]);
    const found = await gatherHalfMessages(producer, { waitMs: 12_000, signal, now: () => 0 });
    expect([...found.values()]).toEqual([half("a", "second"), half("b")]);
    expect(waits).toEqual([12_000, 0, 0]);
  });

  it("waits for those that are wanted, until the time is up", async () => {
    const { producer, waits } = aProducer([[half("a")], [], [half("b")]]);
    let now = 0;
    const found = await gatherHalfMessages(producer, {
      waitMs: 12_000,
      wanted: ["b"],
      signal,
      now: () => {
        now += 1_000;
        return now;
      },
    });
    expect([...found.keys()]).toEqual(["a", "b"]);
    expect(waits).toEqual([11_000, 10_000, 9_000]);
  });

  it("gives up those that do not come", async () => {
    let now = 0;
    const found = await gatherHalfMessages(aProducer([]).producer, {
      waitMs: 12_000,
      wanted: ["b"],
      signal,
      now: () => {
        now += 6_000;
        return now;
      },
    });
    expect(found.size).toBe(0);
  });
});

describe("ending transactions", () => {
  const found = new Map([
    ["a", half("a")],
    ["b", half("b")],
  ]);

  it("ends each as it was told", async () => {
    const done: string[] = [];
    const { producer } = aProducer([], ({ messageId }, how) => done.push(`${how} ${messageId}`));
    const ends = new Map<string, End>([
      ["a", "commit"],
      ["b", "rollback"],
    ]);
    expect(await endTransactions(producer, ends, { found, signal })).toEqual([]);
    expect(done).toEqual(["commit a", "rollback b"]);
  });

  it("a handle that came too late is replaced by that of the next check", async () => {
    const done: string[] = [];
    const { producer } = aProducer([[half("b", "second")]], ({ messageId, handle }) => {
      if (messageId === "b" && handle === "first")
        throw new RefusedError("MessageNotExist", "Too late.", { status: 404 });
      done.push(`${messageId} ${handle}`);
    });
    const ends = new Map<string, End>([
      ["a", "commit"],
      ["b", "commit"],
    ]);
    expect(await endTransactions(producer, ends, { found, signal })).toEqual([]);
    expect(done).toEqual(["a first", "b second"]);
  });

  it("names those that cannot be ended any more", async () => {
    const { producer } = aProducer([[half("b", "second")]], () => {
      throw new RefusedError("MessageNotExist", "Too late.", { status: 404 });
    });
    expect(await endTransactions(producer, new Map([["b", "commit"]]), { found, signal })).toEqual(["b"]);
  });

  it("does not go on after another refusal", async () => {
    const refusal = new RefusedError("AccessDenied", "No.", { status: 403 });
    const { producer } = aProducer([], () => {
      throw refusal;
    });
    await expect(endTransactions(producer, new Map([["a", "commit"]]), { found, signal })).rejects.toBe(refusal);
  });
});
