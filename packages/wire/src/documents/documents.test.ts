import { describe, expect, it } from "vitest";
import { GOLDEN_REQUESTS } from "../../test/fixtures/golden-requests.ts";
import { SIGNATURE_VECTORS } from "../../test/fixtures/signature-vectors.ts";
import type { Decoded } from "./decoded.ts";
import { decodeError, encodeError } from "./error.ts";
import { decodeErrors, encodeErrors } from "./errors.ts";
import { decodeMessages, encodeMessages, type WireMessage } from "./messages.ts";
import { decodePublishReply, encodePublishReply } from "./publish-reply.ts";
import { decodePublishRequest, encodePublishRequest } from "./publish-request.ts";
import { decodeReceiptHandles, encodeReceiptHandles, MAX_RECEIPT_HANDLES_BYTES } from "./receipt-handles.ts";

const ODD_TEXT = " \r\n\ta <b> & \"c\" 'd' ]]> 中😀 \r";

function accepted<T>(decoded: Decoded<T>): T {
  if ("value" in decoded) return decoded.value;
  throw new Error(`refused: ${decoded.reason}`);
}

const publish = (document: string) => decodePublishRequest(Buffer.from(document));
const golden = (id: string) => GOLDEN_REQUESTS.find((request) => request.id === id)?.body ?? Buffer.alloc(0);

function aMessage(parts: Partial<WireMessage> = {}): WireMessage {
  return {
    messageId: "7F0000010A1B4C3D2E1F00112233AABB",
    bodyMd5: "5D41402ABC4B2A76B9719D911017C592",
    body: "hello",
    receiptHandle: "7F0000010A1B4C3D2E1F00112233AABB-MTI5NTcxMA==",
    publishTime: 1767225600000,
    firstConsumeTime: 1767225601000,
    nextConsumeTime: 1767225901000,
    consumedTimes: 1,
    tag: "TagA",
    properties: "KEYS:order-1|a:1|",
    ...parts,
  };
}

describe("a publish as each SDK writes it", () => {
  const body = 'a <b> & "c" 中文';
  const bodyBytes = 18;

  it("WIRE-39: without prolog and namespace (Go)", () => {
    const properties = "a:1|KEYS:k1|__STARTDELIVERTIME:1700000000123|__SHARDINGKEY:s1|";
    const value = { body, bodyBytes, tag: "TagA||TagB", properties };
    expect(decodePublishRequest(golden("A1"))).toEqual({ value });
  });

  it("WIRE-40: with byte order mark, prolog and namespace (C#)", () => {
    const document =
      '\uFEFF<?xml version="1.0" encoding="utf-8"?><Message xmlns="http://mq.aliyuncs.com/doc/v1">' +
      "<MessageBody>b</MessageBody><MessageTag /><Properties>a:1|</Properties></Message>";
    expect(publish(document)).toEqual({ value: { body: "b", bodyBytes: 1, tag: "", properties: "a:1|" } });
    expect(accepted(decodeReceiptHandles(golden("A7")))).toEqual(["RH-1", "RH-2"]);
  });

  it("WIRE-41: with CDATA in its leaves (Node)", () => {
    const properties = "a:1|KEYS:k1|__SHARDINGKEY:s1|__STARTDELIVERTIME:1700000000123";
    const value = { body, bodyBytes, tag: "TagA||TagB", properties };
    expect(decodePublishRequest(golden("A2"))).toEqual({ value });
  });

  it("WIRE-41: with entities and numeric references mixed (Go, Java)", () => {
    const properties = "a:1|__SHARDINGKEY:s1|__STARTDELIVERTIME:1700000000123|KEYS:k1|";
    expect(decodePublishRequest(golden("A3"))).toEqual({
      value: { body, bodyBytes, tag: "Tag A||TagB*", properties },
    });
    const sent = "<Message><MessageBody>&#34;&#39;&#xA;&#xD;&#x9;&#13;&#128512;&lt;</MessageBody></Message>";
    expect(accepted(publish(sent)).body).toBe("\"'\n\r\t\r😀<");
  });

  it("WIRE-42: with children indented by TAB and LF (C++)", () => {
    const sent =
      '<?xml version="1.0" encoding="UTF-8"?>\n<Message xmlns="http://mq.aliyuncs.com/doc/v1">\n' +
      "\t<MessageBody> b\r\n</MessageBody>\n\t<MessageTag>t</MessageTag>\n\t<Properties>a:1|</Properties>\n</Message>\n";
    expect(publish(sent)).toEqual({ value: { body: " b\r\n", bodyBytes: 4, tag: "t", properties: "a:1|" } });
    expect(accepted(decodeReceiptHandles(golden("A8")))).toEqual(["RH-1"]);
  });

  it("WIRE-43: with Properties before the tag (Python)", () => {
    const sent =
      '<?xml version="1.0" encoding="utf-8"?>\n<Message xmlns="http://mq.aliyuncs.com/doc/v1/"><MessageBody>b</MessageBody>' +
      "<Properties>a:1|</Properties><MessageTag>t</MessageTag></Message>";
    expect(publish(sent)).toEqual({ value: { body: "b", bodyBytes: 1, tag: "t", properties: "a:1|" } });
  });

  it("the bodies of the signature vectors are read", () => {
    const bodies = SIGNATURE_VECTORS.filter(({ body, method }) => body && method === "POST").map(
      ({ body }) => body ?? "",
    );
    expect(bodies.map((document) => accepted(publish(document)).body)).toEqual(["hello", "hello", "hello"]);
  });
});

describe("a publish that is refused", () => {
  it.each([
    "<Message></Message>",
    "<Message><MessageTag>t</MessageTag></Message>",
    "<Message><MessageBody></MessageBody></Message>",
    "<Message><MessageBody/></Message>",
    "<Message><MessageBody><![CDATA[]]></MessageBody></Message>",
  ])("WIRE-50: a missing or empty MessageBody is InvalidArgument: %s", (document) => {
    expect(publish(document)).toMatchObject({ refusal: "InvalidArgument", fault: "missing-element" });
  });

  it.each(["", "hello", "{}", "<Message>", "<Message><MessageBody>a</MessageBody>", "MessageBody=a"])(
    "WIRE-51: what is not XML is MalformedXML: %j",
    (document) => {
      expect(publish(document)).toMatchObject({ refusal: "MalformedXML", fault: "not-well-formed" });
    },
  );

  it("WIRE-52: Node's document for a body with ]]> is MalformedXML", () => {
    const document = "<Message><MessageBody><![CDATA[a]]>b]]></MessageBody></Message>";
    expect(publish(document)).toMatchObject({ refusal: "MalformedXML" });
  });

  it("WIRE-53: a control character, raw or as a reference, is MalformedXML", () => {
    for (const body of ["a\u0001", "a&#1;", "a&#01;", "a&#x1;", "<![CDATA[\u0001]]>", "\uffff"]) {
      const document = `<Message><MessageBody>${body}</MessageBody></Message>`;
      expect(publish(document)).toMatchObject({ refusal: "MalformedXML", fault: "forbidden-character" });
    }
  });

  it.each([
    ["<Topic/>", "InvalidArgument", "unknown-element"],
    [
      "<Message><MessageBody>a</MessageBody><MessageBody>b</MessageBody></Message>",
      "InvalidArgument",
      "repeated-element",
    ],
    ["<Message><MessageBody>a<b/></MessageBody></Message>", "InvalidArgument", "depth"],
    ["<Message>a</Message>", "InvalidArgument", "text-between-elements"],
    ['<Message a="b"/>', "InvalidArgument", "attribute"],
    ["<!DOCTYPE Message><Message/>", "MalformedXML", "doctype"],
    ["<Message><!-- --></Message>", "MalformedXML", "comment"],
    ['<?xml version="1.1"?><Message/>', "MalformedXML", "xml-version"],
    ['<?xml version="1.0" encoding="GBK"?><Message/>', "MalformedXML", "encoding"],
  ])("what fails the schema is told from what is malformed: %s", (document, refusal, fault) => {
    expect(publish(document)).toMatchObject({ refusal, fault, reason: expect.stringMatching(/\(byte \d+\)$/) });
  });
});

describe("receipt handles", () => {
  const handles = (...texts: string[]) =>
    Buffer.from(
      `<ReceiptHandles>${texts.map((text) => `<ReceiptHandle>${text}</ReceiptHandle>`).join("")}</ReceiptHandles>`,
    );

  it("WIRE-95: empty handles are skipped beside others", () => {
    expect(decodeReceiptHandles(handles("", "a", "", "b"))).toEqual({ value: ["a", "b"] });
  });

  it.each([handles(), handles(""), handles("", ""), Buffer.from("<ReceiptHandles/>"), Buffer.alloc(0)])(
    "WIRE-96: without a handle, or with empty ones alone, the request is MissingReceiptHandle: %s",
    (document) => {
      expect(decodeReceiptHandles(document)).toMatchObject({ refusal: "MissingReceiptHandle", fault: "no-handle" });
    },
  );

  it("DEL-6.3: more than 16 are accepted, within 64 KiB", () => {
    const many = Array.from({ length: 1_000 }, (_, index) => `handle-${index}`);
    expect(decodeReceiptHandles(handles(...many))).toEqual({ value: many });
    const envelope = handles("").length;
    const fitting = "h".repeat(MAX_RECEIPT_HANDLES_BYTES - envelope);
    expect(decodeReceiptHandles(handles(fitting))).toEqual({ value: [fitting] });
    expect(decodeReceiptHandles(handles(`${fitting}h`))).toMatchObject({
      refusal: "InvalidArgument",
      fault: "too-large",
    });
  });

  it("the same handle twice is there twice, as sent", () => {
    expect(decodeReceiptHandles(handles(" a\n", "<![CDATA[a]]>", "a"))).toEqual({ value: [" a\n", "a", "a"] });
  });
});

describe("answers, byte for byte", () => {
  it("WIRE-47: a publish is answered without a ReceiptHandle element", () => {
    const reply = { messageId: "7F0000010A1B4C3D2E1F00112233AABB", bodyMd5: "5D41402ABC4B2A76B9719D911017C592" };
    expect(encodePublishReply(reply)).toBe(
      `<?xml version="1.0" ?>
<Message xmlns="http://mq.aliyuncs.com/doc/v1">
  <MessageId>7F0000010A1B4C3D2E1F00112233AABB</MessageId>
  <MessageBodyMD5>5D41402ABC4B2A76B9719D911017C592</MessageBodyMD5>
</Message>
`,
    );
    expect(encodePublishReply({ ...reply, receiptHandle: "H0" })).toContain("  <ReceiptHandle>H0</ReceiptHandle>\n");
  });

  it("WIRE-61: Messages carry the namespace", () => {
    expect(encodeMessages([aMessage()])).toBe(
      `<?xml version="1.0" ?>
<Messages xmlns="http://mq.aliyuncs.com/doc/v1">
  <Message>
    <MessageId>7F0000010A1B4C3D2E1F00112233AABB</MessageId>
    <MessageBodyMD5>5D41402ABC4B2A76B9719D911017C592</MessageBodyMD5>
    <MessageBody>hello</MessageBody>
    <ReceiptHandle>7F0000010A1B4C3D2E1F00112233AABB-MTI5NTcxMA==</ReceiptHandle>
    <PublishTime>1767225600000</PublishTime>
    <FirstConsumeTime>1767225601000</FirstConsumeTime>
    <NextConsumeTime>1767225901000</NextConsumeTime>
    <ConsumedTimes>1</ConsumedTimes>
    <MessageTag>TagA</MessageTag>
    <Properties>KEYS:order-1|a:1|</Properties>
  </Message>
</Messages>
`,
    );
  });

  it("WIRE-61: Error carries the namespace", () => {
    const error = { code: "MessageNotExist", message: "Message not exist.", requestId: "5DF0", hostId: "http://h" };
    expect(encodeError(error)).toBe(
      `<?xml version="1.0" ?>
<Error xmlns="http://mq.aliyuncs.com/doc/v1">
  <Code>MessageNotExist</Code>
  <Message>Message not exist.</Message>
  <RequestId>5DF0</RequestId>
  <HostId>http://h</HostId>
</Error>
`,
    );
  });

  it("WIRE-62: Error has all four children, also empty ones", () => {
    const text = encodeError({ code: "", message: "", requestId: "", hostId: "" });
    for (const name of ["Code", "Message", "RequestId", "HostId"]) expect(text).toContain(`<${name}></${name}>`);
  });

  it("WIRE-92: Errors list one Error for each handle, echoed as sent", () => {
    const text = encodeErrors([
      { code: "ReceiptHandleError", message: "The receipt handle you provide is not valid.", receiptHandle: "a<b" },
    ]);
    expect(text).toBe(
      `<?xml version="1.0" ?>
<Errors xmlns="http://mq.aliyuncs.com/doc/v1">
  <Error>
    <ErrorCode>ReceiptHandleError</ErrorCode>
    <ErrorMessage>The receipt handle you provide is not valid.</ErrorMessage>
    <ReceiptHandle>a&lt;b</ReceiptHandle>
  </Error>
</Errors>
`,
    );
  });

  it("WIRE-66: times and attempt are always there, in decimal", () => {
    const text = encodeMessages([aMessage({ firstConsumeTime: 0 })]);
    expect(text).toContain("<FirstConsumeTime>0</FirstConsumeTime>");
    for (const name of ["PublishTime", "NextConsumeTime", "ConsumedTimes"]) {
      expect(text).toMatch(new RegExp(`<${name}>\\d+</${name}>`));
    }
  });

  it("WIRE-68: MessageTag and Properties are written when empty", () => {
    const text = encodeMessages([aMessage({ tag: "", properties: "" })]);
    expect(text).toContain("<MessageTag></MessageTag>");
    expect(text).toContain("<Properties></Properties>");
  });

  it("WIRE-65: no CDATA, self-closing tag, inner attribute or comment, whatever the text", () => {
    const odd = '<![CDATA[ <a b="c"/> <!-- --> ]]>';
    const documents = [
      encodeMessages([aMessage({ body: odd, tag: odd, properties: odd, receiptHandle: odd }), aMessage({ tag: "" })]),
      encodeError({ code: odd, message: odd, requestId: "", hostId: odd }),
      encodeErrors([{ code: odd, message: odd, receiptHandle: odd }]),
      encodePublishReply({ messageId: odd, bodyMd5: "", receiptHandle: odd }),
    ];
    const line = /^ *(<[A-Z]\w*>|<\/[A-Z]\w*>|<([A-Z]\w*)>[^<]*<\/\2>)$/i;
    for (const document of documents) {
      const [prolog, root, ...rest] = document.trimEnd().split("\n");
      expect(prolog).toBe('<?xml version="1.0" ?>');
      expect(root).toMatch(/^<\w+ xmlns="[^"]+">$/);
      for (const written of rest) expect(written).toMatch(line);
    }
  });
});

describe("what is encoded is decoded again", () => {
  it("WIRE-49: a publish with line ends, blanks, emoji and markup in its body", () => {
    const request = { body: ODD_TEXT, tag: "t", properties: "a:1|" };
    const bodyBytes = Buffer.byteLength(ODD_TEXT);
    expect(publish(encodePublishRequest(request))).toEqual({ value: { ...request, bodyBytes } });
  });

  it("WIRE-49: messages with line ends, blanks, emoji and markup in their bodies", () => {
    const messages = [aMessage({ body: ODD_TEXT }), aMessage({ body: " " }), aMessage({ body: "\r" })];
    expect(decodeMessages(Buffer.from(encodeMessages(messages)))).toEqual({ value: messages });
  });

  it("publish replies, errors and handles", () => {
    const reply = { messageId: "m", bodyMd5: "5", receiptHandle: "h" };
    expect(decodePublishReply(Buffer.from(encodePublishReply(reply)))).toEqual({ value: reply });
    const { receiptHandle: _, ...normal } = reply;
    expect(decodePublishReply(Buffer.from(encodePublishReply(normal)))).toEqual({ value: normal });
    const errors = [{ code: "c", message: ODD_TEXT, receiptHandle: "h" }];
    expect(decodeErrors(Buffer.from(encodeErrors(errors)))).toEqual({ value: errors });
    const error = { code: "c", message: ODD_TEXT, requestId: "", hostId: "http://h" };
    expect(decodeError(Buffer.from(encodeError(error)))).toEqual({ value: error });
    expect(decodeReceiptHandles(Buffer.from(encodeReceiptHandles(["a", "b"])))).toEqual({ value: ["a", "b"] });
  });

  it("an answer that lacks what a client needs is refused", () => {
    const decoders = [decodePublishReply, decodeError];
    for (const [decode, root] of [
      [decoders[0], "Message"],
      [decoders[1], "Error"],
    ] as const) {
      expect(decode?.(Buffer.from(`<${root}/>`))).toMatchObject({ fault: "missing-element" });
    }
    expect(decodeErrors(Buffer.from("<Errors><Error/></Errors>"))).toMatchObject({ fault: "missing-element" });
    const spoil = (from: string, to: string) =>
      decodeMessages(Buffer.from(encodeMessages([aMessage()]).replace(from, to)));
    expect(spoil("<ConsumedTimes>1</ConsumedTimes>", "")).toMatchObject({ fault: "missing-element" });
    expect(spoil("<ConsumedTimes>1<", "<ConsumedTimes>one<")).toMatchObject({ fault: "unreadable-value" });
  });
});
