import { expect, it } from "vitest";
import { queryText, REFUSALS, rangeText, schemaText } from "./refusal-codes.ts";

/** Codes that only SDKs make up (protocol fact: never seen from a server). */
const MADE_BY_SDKS = ["StateConflict", "RequestTimeout", "Throttling", "AckMessageFail", "AckFail"];

it("WIRE-59: the answer to an empty poll is 404 with the service's text", () => {
  expect(REFUSALS.MessageNotExist).toEqual({ status: 404, text: "Message not exist." });
});

it("WIRE-33: TimeExpired is 408", () => expect(REFUSALS.TimeExpired.status).toBe(408));
it("WIRE-34: SignatureDoesNotMatch is 403", () => expect(REFUSALS.SignatureDoesNotMatch.status).toBe(403));
it("WIRE-35: InvalidAccessKeyId is 403", () => expect(REFUSALS.InvalidAccessKeyId.status).toBe(403));
it("WIRE-56: the text of TopicNotExist is the service's", () => {
  expect(REFUSALS.TopicNotExist).toEqual({ status: 404, text: "The topic you provided does not exist." });
});
it("WIRE-96: the text of MissingReceiptHandle is the service's", () => {
  expect(REFUSALS.MissingReceiptHandle).toEqual({ status: 400, text: "ReceiptHandle is required." });
});

it("texts that name something are put together as the service does", () => {
  expect(schemaText("MessageBody")).toBe(
    "The XML you provided did not validate against our published schema, cause by MessageBody.",
  );
  expect(rangeText("MessageBody", 1, 4_194_304)).toBe(
    "The value of MessageBody should between 1 and 4194304 seconds/bytes.",
  );
  expect(queryText("x")).toBe('Http request URL contains invalid querystring item "x".');
});

it("no text names a Code, since clients search texts for Codes", () => {
  for (const { text } of Object.values(REFUSALS)) {
    for (const code of [...Object.keys(REFUSALS), ...MADE_BY_SDKS]) expect(text).not.toContain(code);
  }
});

it("Codes that only SDKs make up are never sent", () => {
  for (const code of MADE_BY_SDKS) expect(REFUSALS).not.toHaveProperty(code);
});
