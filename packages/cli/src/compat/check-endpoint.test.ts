import { describe, expect, it } from "vitest";
import { ITEM_COUNT, SEEN } from "./check-endpoint.ts";
import { deliveredIn, messageDocument, textsOf, verdictOf } from "./documents.ts";
import { Sheet } from "./sheet.ts";
import { PARTLY, UNSEEN } from "./unseen.ts";

describe("the checklist", () => {
  it("has each item once: shown by a flow, or named with the reason why not", () => {
    const named = [...SEEN, ...Object.keys(UNSEEN).map(Number)].toSorted((a, b) => a - b);
    expect(named).toEqual(Array.from({ length: ITEM_COUNT }, (_, index) => index + 1));
    expect(
      Object.keys(PARTLY)
        .map(Number)
        .filter((item) => !SEEN.includes(item)),
    ).toEqual([]);
  });

  it("an item fits if each look at it does, and tells its first difference", () => {
    const sheet = new Sheet();
    expect(sheet.find(59)).toBeUndefined();
    sheet.see(59, "an empty poll", "404", "404");
    expect(sheet.find(59)).toEqual({ item: 59, verdict: "fits", says: "" });
    sheet.see(59, "an empty poll", "204", "404");
    sheet.see(59, "its text", undefined, "x");
    sheet.see(59, "an empty poll", "404", "404");
    expect(sheet.find(59)).toEqual({
      item: 59,
      verdict: "differs",
      says: 'an empty poll: "404" was expected, "204" came',
    });
  });
});

describe("documents, read leniently", () => {
  it("unescapes what it reads, and escapes what it writes", () => {
    const text = 'a<b>&"\r\n🎉';
    const [body] = textsOf(messageDocument({ body: text }), "MessageBody");
    expect(body).toBe(text);
    expect(textsOf("<A>&#x1F389;&quot;&apos;&nbsp;</A>", "A")).toEqual(["🎉\"'&nbsp;"]);
  });

  it("tells what a message lacks by leaving it out", () => {
    const body =
      "<Messages>\n<Message><MessageId>1</MessageId></Message><Message><MessageId>2</MessageId></Message></Messages>";
    expect(deliveredIn({ body }).map(({ MessageId, Properties }) => [MessageId, Properties])).toEqual([
      ["1", undefined],
      ["2", undefined],
    ]);
    expect(deliveredIn({ body: "<Message><MessageId>1</MessageId></Message>" })).toEqual([]);
  });

  it("names the code of a refusal, and of every handle", () => {
    const answer = { status: 404, headers: [], wasContinued: false };
    expect(verdictOf({ ...answer, body: "<Error><Code>TopicNotExist</Code></Error>" })).toBe("404 TopicNotExist");
    const item = "<Error><ErrorCode>ReceiptHandleError</ErrorCode></Error>";
    expect(verdictOf({ ...answer, body: `<Errors>${item}${item}</Errors>` })).toBe(
      "404 ReceiptHandleError ReceiptHandleError",
    );
  });
});
