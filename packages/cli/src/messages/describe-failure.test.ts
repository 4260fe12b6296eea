import {
  ClosedError,
  ConnectionError,
  InvalidMessageError,
  RefusedError,
  TimeoutError,
  UnreadableReplyError,
} from "@stagemq/client";
import { describe, expect, it } from "vitest";
import { UsageMistake } from "../usage-mistake.ts";
import { describeFailure } from "./describe-failure.ts";
import { OpenTransactionError } from "./open-transaction-error.ts";

const KEY_ADVICE = "Set the key with --access-key-id and --access-key-secret, or in the environment.";
const lost = new ConnectionError("The connection broke.", { outcomeUnknown: true, cause: undefined });

describe("a failure", () => {
  it.each([
    [new UsageMistake("--rate goes with --file."), 2, "--rate goes with --file."],
    [new UsageMistake("a.ndjson does not exist (--file).", 3), 3, "a.ndjson does not exist (--file)."],
    [new InvalidMessageError("The body has 0 bytes."), 2, "The body has 0 bytes."],
    [
      new ConnectionError("There is no connection.", { outcomeUnknown: false, cause: undefined }),
      69,
      "There is no connection. Is a broker there? Start one with stagemq dev, or name another with --endpoint.",
    ],
    [
      new ConnectionError("There is no connection.", {
        outcomeUnknown: false,
        cause: Object.assign(new Error("wrong version number"), { code: "ERR_SSL_WRONG_VERSION_NUMBER" }),
      }),
      69,
      "There is no connection. Does it speak http (--endpoint)?",
    ],
    [
      new TimeoutError("It took too long.", { outcomeUnknown: true, cause: undefined }),
      69,
      "It took too long. Is a broker there? Start one with stagemq dev, or name another with --endpoint. It may have been done all the same.",
    ],
    [new UnreadableReplyError("<html>\n", { status: 200 }), 69, "<html>\\n Is that a broker (--endpoint)?"],
    [
      new RefusedError("TopicNotExist", "No topic. Hint: nearest name: orders.", {
        status: 404,
        hint: "nearest name: orders.",
      }),
      3,
      "TopicNotExist: No topic. Nearest name: orders.",
    ],
    [
      new RefusedError("TopicNotExist", "No topic.", { status: 404 }),
      3,
      "TopicNotExist: No topic. Is it in another instance (--instance)?",
    ],
    [
      new RefusedError("SubscriptionNotExist", "No group.", { status: 404 }),
      3,
      "SubscriptionNotExist: No group. Is it in another instance (--instance)?",
    ],
    [
      new RefusedError("SignatureDoesNotMatch", "Wrong. Hint: we signed: GET\n", {
        status: 403,
        hint: "we signed: GET\n",
      }),
      4,
      `SignatureDoesNotMatch: Wrong. ${KEY_ADVICE}`,
    ],
    [
      new RefusedError("InvalidAccessKeyId", "No key. Hint: it is not declared.", {
        status: 403,
        hint: "it is not declared.",
      }),
      4,
      `InvalidAccessKeyId: No key. It is not declared. ${KEY_ADVICE}`,
    ],
    [new RefusedError("AccessDenied", "No.", { status: 403 }), 4, "AccessDenied: No."],
    [new RefusedError("InvalidArgument", "Wrong kind.", { status: 400 }), 1, "InvalidArgument: Wrong kind."],
    [new RefusedError("Conflict", "There already.", { status: 409 }), 5, "Conflict: There already."],
    [new ClosedError(), 1, "The client is closed."],
    [
      new OpenTransactionError("0AF1", { topic: "payments", group: "GID_p" }, lost),
      69,
      "The connection broke. Is a broker there? Start one with stagemq dev, or name another with --endpoint. It may have been done all the same. The half message 0AF1 is stored, and its transaction open: see stagemq check payments -g GID_p.",
    ],
  ])("%s ends with %i", (error, exitCode, sentence) => {
    expect(describeFailure(error)).toEqual({ sentence, exitCode });
  });

  it("that nobody expected is none", () => {
    expect(describeFailure(new TypeError("a bug"))).toBeUndefined();
    expect(
      describeFailure(new OpenTransactionError("0AF1", { topic: "t", group: "g" }, new TypeError("a bug"))),
    ).toBeUndefined();
  });
});
