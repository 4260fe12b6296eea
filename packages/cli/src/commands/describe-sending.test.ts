import { describe, expect, it } from "vitest";
import { describeLinesSent, describeSent, formatSendProgress } from "./describe-sending.ts";
import { readSendFlags } from "./read-send-flags.ts";

const plain = readSendFlags("x", {});
const ending = (transaction: string) => readSendFlags("x", { transaction, group: "GID_p" });
const outcome = { sent: 1_200, refused: 0, failure: undefined, unsent: [], nextLine: undefined };

describe("what is told of sending", () => {
  it.each([
    [plain, 1, "1 message sent to t"],
    [plain, 2_000, "2,000 messages sent to t"],
    [ending("commit"), 1, "1 message sent to t, committed"],
    [ending("rollback"), 2, "2 messages sent to t, rolled back"],
    [ending("leave"), 1, "1 half message sent to t, left open: in 10 s see stagemq check t -g GID_p"],
  ])("%#: a count, and what became of the transaction", (words, sent, sentence) => {
    expect(describeSent(sent, "t", words)).toBe(sentence);
  });

  it.each([
    [{}, ""],
    [{ refused: 1 }, "; 1 line refused"],
    [{ refused: 2, unsent: [7] }, "; 2 lines refused. Not sent: line 7"],
    [{ unsent: [7, 9], nextLine: 11 }, ". Not sent: lines 7, 9 and all from line 11 on"],
    [{ unsent: [9, 10], nextLine: 11 }, ". Not sent: all from line 9 on"],
    [{ unsent: [7, 9, 10], nextLine: 11 }, ". Not sent: line 7 and all from line 9 on"],
    [{ nextLine: 11 }, ". Not sent: all from line 11 on"],
  ])("what was not sent is named: %j", (more, rest) => {
    expect(describeLinesSent({ ...outcome, ...more }, "t", plain)).toBe(`1,200 messages sent to t${rest}`);
  });

  it("progress has a bar where the end is known", () => {
    const step = { done: 250, total: 1_000, forMs: 2_000 };
    expect(formatSendProgress(step, 1_200, 1_000)).toBe("█████░░░░░░░░░░░░░░░ 25 %  1,200 messages · 600/s · 6 s left");
    expect(formatSendProgress(step, 1_200, undefined)).toBe("1,200 messages · 600/s");
  });
});
