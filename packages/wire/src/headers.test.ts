import { expect, it } from "vitest";
import { formatRequestId, REQUEST_ID_HEADER, XML_CONTENT_TYPE } from "./headers.ts";

it("WIRE-63: the header of the request id is spelled in lower case", () => {
  expect(REQUEST_ID_HEADER).toBe("x-mq-request-id");
});

it("WIRE-64: the Content-Type of documents starts with text/xml", () => {
  expect(XML_CONTENT_TYPE).toMatch(/^text\/xml\b/);
});

it("a request id is the time in seconds and eight random bytes, 24 upper-case hex digits", () => {
  const bytes = Uint8Array.from([0x31, 0x38, 0x37, 0x90, 0x31, 0x9f, 0x4d, 0x26]);
  expect(formatRequestId(Date.UTC(2019, 11, 11, 5, 20, 27, 999), bytes)).toBe("5DF07C9B31383790319F4D26");
  expect(formatRequestId(0, new Uint8Array(8))).toBe("0".repeat(24));
});
