import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { BrokerError } from "../domain/broker-error.ts";
import { ExpectationError } from "./expectation.ts";
import type { ErrorCode } from "./fault-codes.ts";
import type { FaultScope, TestOperation } from "./faults.ts";
import type { ExpectQuery, FailOptions, MessagesQuery, TestBench } from "./test-bench.ts";

const MAX_BODY_BYTES = 65_536;
const BASE = "/api/v1/test/";

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** The fields that a verb knows, with how each is written. */
type Fields = Readonly<Record<string, "text" | "number" | "texts" | "any">>;
type Given = Readonly<Record<string, unknown>>;

interface Verb {
  readonly fields: Fields;
  /** What to show who got it wrong. */
  readonly example: string;
  run(bench: TestBench, given: Given): unknown;
}

const SCOPE: Fields = { times: "number", topic: "text", group: "text" };
const PLACE: Fields = { topic: "text", state: "text", group: "text", instance: "text" };

/** What a test may ask for, after `POST /api/v1/test/`. The bench checks what the fields say. */
const VERBS: Readonly<Record<string, Verb>> = {
  advance: {
    fields: { by: "text" },
    example: `{"by":"5m"}: a whole number and ms, s, m, h or d, at most 400d; "0s" only asks for the time`,
    run: async (bench, { by = "" }) => ({ now: await bench.advance(by as string) }),
  },
  reset: {
    fields: {},
    example: "{}",
    run: async (bench) => {
      await bench.reset();
      return { now: bench.now() };
    },
  },
  messages: {
    fields: PLACE,
    example: `{"topic":"orders","state":"in-flight","group":"GID_billing"}`,
    run: async (bench, { topic = "", ...query }) => ({
      messages: await bench.messages(topic as string, query as unknown as MessagesQuery),
    }),
  },
  expect: {
    fields: {
      ...PLACE,
      times: "number",
      within: "text",
      messageId: "text",
      tag: "text",
      key: "text",
      body: "any",
      shardingKey: "text",
      properties: "texts",
      attempt: "number",
    },
    example: `{"topic":"orders","state":"published","tag":"paid","key":"o-1","times":1}`,
    run: async (bench, query) => ({ messages: await bench.expect(query as unknown as ExpectQuery) }),
  },
  fail: {
    fields: { operation: "text", code: "text", status: "number", handles: "number", ...SCOPE },
    example: `{"operation":"acknowledge","code":"ReceiptHandleError","times":1}`,
    run: (bench, { operation, code, ...options }) => {
      bench.failNext(operation as TestOperation, code as ErrorCode, options as FailOptions);
      return { faults: bench.faults() };
    },
  },
  drop: {
    fields: { operation: "text", lose: "text", ...SCOPE },
    example: `{"operation":"publish","lose":"reply","times":1}`,
    run: (bench, { operation, ...options }) => {
      bench.dropNext(operation as TestOperation, options as FaultScope & { lose?: "reply" | "request" });
      return { faults: bench.faults() };
    },
  },
  duplicate: {
    fields: { operation: "text", ...SCOPE },
    example: `{"operation":"receive","times":1}`,
    run: (bench, { operation, ...scope }) => {
      bench.duplicateNext(operation as "receive" | "receiveHalf" | undefined, scope as FaultScope);
      return { faults: bench.faults() };
    },
  },
  delay: {
    fields: { operation: "text", by: "text", ...SCOPE },
    example: `{"operation":"publish","by":"200ms"}`,
    run: (bench, { operation, by = "", ...scope }) => {
      bench.delay(operation as TestOperation, by as string, scope as FaultScope);
      return { faults: bench.faults() };
    },
  },
  faults: {
    fields: {},
    example: "{}",
    run: (bench) => ({ faults: bench.faults() }),
  },
  "clear-faults": {
    fields: {},
    example: "{}",
    run: (bench) => {
      bench.clearFaults();
      return { faults: bench.faults() };
    },
  },
};

/** TIM-4, TIM-5: `/api/v1/test/*` on a loopback port of its own: the bench, for tests in any language. */
export class TestInterface {
  readonly #bench: TestBench;
  readonly #server: Server;

  constructor(bench: TestBench) {
    this.#bench = bench;
    this.#server = createServer((request, response) => {
      this.#answer(request).then(
        (reply) => send(response, reply),
        (error: unknown) => send(response, { status: 500, body: { error: String(error) } }),
      );
    });
  }

  /** Where it listens: `http://127.0.0.1:PORT`. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host: "127.0.0.1", port: 0 }, resolve);
    });
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage): Promise<Reply> {
    const text = await readBody(request);
    const { method = "", url = "" } = request;
    const name = url.startsWith(BASE) ? url.slice(BASE.length) : "";
    const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
    if (method !== "POST" || verb === undefined) return { status: 404, body: { error: describeUnknown(method, url) } };
    const isLoose = Object.keys(verb.fields).length === 0;
    const given = readFields(isLoose && text === "" ? "{}" : text, isLoose ? undefined : verb.fields);
    if (typeof given === "string") return mistake(name, verb, given);
    try {
      return { status: 200, body: await verb.run(this.#bench, given) };
    } catch (error) {
      if (error instanceof TypeError || error instanceof BrokerError) return mistake(name, verb, error.message);
      if (error instanceof ExpectationError) return { status: 409, body: { error: error.message } };
      throw error;
    }
  }
}

function mistake(name: string, { example }: Verb, what: string): Reply {
  return { status: 400, body: { error: `${what} ${name} takes ${example}.` } };
}

function describeUnknown(method: string, url: string): string {
  return `There is no ${method} ${url}. There are POST ${BASE}${Object.keys(VERBS).join(", ")}.`;
}

/** What was sent, or what is wrong with it. Without fields anything will do, and none of it is looked at. */
function readFields(text: string | undefined, fields: Fields | undefined): Given | string {
  if (text === undefined) return `The body has more than ${MAX_BODY_BYTES} bytes.`;
  if (fields === undefined) return {};
  const given = parseObject(text);
  if (given === undefined) return "The body is no JSON object.";
  for (const [name, value] of Object.entries(given)) {
    const type = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (type === undefined) return `${JSON.stringify(name)} is no field; there are ${Object.keys(fields).join(", ")}.`;
    if (!isOf(type, value)) return `${name} is ${JSON.stringify(value)}; it must be ${SORTS[type]}.`;
  }
  return given;
}

const SORTS = { text: "text", number: "a number", texts: "an object of texts", any: "anything" } as const;

function isOf(type: Fields[string], value: unknown): boolean {
  switch (type) {
    case "text":
      return typeof value === "string";
    case "number":
      return typeof value === "number";
    case "texts":
      return isObject(value) && Object.values(value).every((each) => typeof each === "string");
    default:
      return true;
  }
}

function parseObject(text: string): Given | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Given {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return bytes <= MAX_BODY_BYTES ? Buffer.concat(chunks).toString("utf8") : undefined;
}

function send(response: ServerResponse, { status, body }: Reply): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}
