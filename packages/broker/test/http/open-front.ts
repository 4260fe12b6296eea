import { expect, onTestFinished } from "vitest";
import { judge, type Operation, type RawResponse } from "../../../wire/test/readers/judge.ts";
import { type AccessKey, Credentials } from "../../src/access/credentials.ts";
import { HttpFront, type HttpFrontOptions } from "../../src/http/http-front.ts";
import { RecordingLog } from "../../src/testing/recording-log.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { SimulatedClock } from "../../src/testing/simulated-clock.ts";
import { RawClient } from "./raw-client.ts";
import { DEFAULT_INSTANCE, ScriptedEngine } from "./scripted-engine.ts";
import { type AnyRequest, formatRequest } from "./signed-request.ts";

export interface OpenFront {
  readonly front: HttpFront;
  readonly engine: ScriptedEngine;
  readonly clock: SimulatedClock;
  /** Of the sockets' time-outs: no step of `clock` touches it. */
  readonly steadyClock: SimulatedClock;
  readonly log: RecordingLog;
  readonly port: number;
  connect(): Promise<RawClient>;
  /** The bytes of a request, signed for this broker's key and clock. */
  format(request: AnyRequest): Buffer;
  /** Sends one request on a connection of its own and judges the response with all seven readers. */
  ask(request: AnyRequest): Promise<RawResponse>;
}

export interface FrontSettings {
  readonly options?: Partial<HttpFrontOptions>;
  readonly keys?: readonly AccessKey[];
  readonly undeclared?: "let-in" | "refuse";
}

export const DEV_KEY = { id: "dev", secret: "dev-secret" };

/** A front on a free port before a scripted engine, gone when the test is over. */
export async function openFront({
  options,
  keys = [DEV_KEY],
  undeclared = "refuse",
}: FrontSettings = {}): Promise<OpenFront> {
  const engine = new ScriptedEngine();
  const clock = new SimulatedClock();
  const steadyClock = new SimulatedClock();
  const log = new RecordingLog();
  const front = new HttpFront({
    engine,
    credentials: new Credentials({ keys, undeclared, log }),
    runtime: { clock, log, random: new SeededRandom(1) },
    steadyClock,
    options: {
      defaultInstance: DEFAULT_INSTANCE,
      version: "0.1.0",
      makeByUse: true,
      signedTextInHint: true,
      ...options,
    },
  });
  const { port } = await front.listen("127.0.0.1", 0);
  const clients: RawClient[] = [];
  onTestFinished(async () => {
    for (const client of clients) client.close();
    await front.stop();
  });
  const connect = async () => {
    const client = await RawClient.connect(port);
    clients.push(client);
    return client;
  };
  const format = (request: AnyRequest) => formatRequest(request, clock.wall());
  const ask = async (request: AnyRequest) => {
    const client = await connect();
    client.send(format(request));
    const response = await client.response(request.method);
    if (request.method !== "HEAD") expect(judge(response, judgedAs(request))).toEqual([]);
    return response;
  };
  return { front, engine, clock, steadyClock, log, port, connect, format, ask };
}

function judgedAs({ method, target = "" }: AnyRequest): Operation {
  if (method === "GET") return "consume";
  if (method !== "DELETE") return "publish";
  return target.includes("trans=") ? "end-transaction" : "acknowledge";
}

export function headerOf(response: RawResponse, name: string): string | undefined {
  return response.headers.find(([other]) => other === name)?.[1];
}

/** The text of an element of a response, as it stands there. */
export function elementOf(response: RawResponse, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(response.body.toString())?.[1];
}

/** `404 TopicNotExist` of a response. */
export function verdictOf(response: RawResponse): string {
  return `${response.status} ${elementOf(response, "Code") ?? ""}`.trimEnd();
}
