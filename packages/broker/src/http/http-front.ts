import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import { formatRequestId, rangeText } from "@stagemq/wire";
import type { Credentials } from "../access/credentials.ts";
import { type Address, formatAddress } from "../domain/address.ts";
import { BrokerError } from "../domain/broker-error.ts";
import { KIB, MIB } from "../domain/size.ts";
import { type DurationMs, describeDuration, type EpochMs, MINUTE, SECOND } from "../domain/time.ts";
import type { Call, Engine, GiveBackRequest } from "../engine/engine.ts";
import type { Clock } from "../runtime/clock.ts";
import type { LogFields } from "../runtime/log.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type Answer, refuse, type Visit } from "./answer.ts";
import { AnswerLost } from "./answer-lost.ts";
import { AnswersUnderWay, FREE_BYTES } from "./answers-under-way.ts";
import { Connections, type Exchange, HungUp } from "./connections.ts";
import { deliverAnswer } from "./deliver-answer.ts";
import { DOOR_REFUSALS, type DoorRefusal } from "./error-table.ts";
import { formatLastWord } from "./last-word.ts";
import { ReadBudget } from "./read-budget.ts";
import { Refusal, type RefusalDetails } from "./refusal.ts";
import { RequestBody } from "./request-body.ts";
import { RequestLog } from "./request-log.ts";
import { type Admitted, SignedProtocol, type SignedProtocolOptions } from "./signed-protocol.ts";

const MAX_HOST = 255;
const MAX_HEADER_BYTES = 16 * KIB;
/** After this the last answers are cut short, so that the process ends within 10 s (RUN-2). */
const FINISH_WITHIN = 5 * SECOND;
/** And so long what they held is given back. */
const GIVE_BACK_WITHIN = SECOND;

/** How much and how long, where `HttpFrontOptions` say nothing else. */
export const DEFAULT_HTTP_LIMITS = {
  /** Of one raw request (REQ-2). */
  maxRequestBytes: 25 * MIB,
  /** Of all requests being read. */
  sharedReadBytes: 256 * MIB,
  headersTimeout: 10 * SECOND,
  /** A wait for room included. */
  requestTimeout: 60 * SECOND,
  keepAlive: 75 * SECOND,
  /** How much of a refused request is read for the sake of the connection (REQ-3). */
  maxDrain: 32 * MIB,
  /** How far a request's Date may be from the wall clock; 0 is any. */
  clockSkew: 15 * MINUTE,
  /** How often slow requests are looked for. */
  checkSlowEvery: SECOND,
  /** Of all answers of which not all was taken yet (REQ-2). */
  sharedAnswerBytes: 256 * MIB,
  /** How long a client may take nothing of an answer. */
  answerTimeout: 60 * SECOND,
  /** On all addresses together; one more is closed at once. */
  maxConnections: 20_000,
};

/** How this door behaves: what it says of itself and lets in, and whichever limits are not to be the default. */
export interface HttpFrontOptions
  extends Omit<SignedProtocolOptions, "clockSkew">,
    Partial<Readonly<Record<keyof typeof DEFAULT_HTTP_LIMITS, number>>> {}

/** What an `HttpFront` is made of. */
export interface HttpFrontParts {
  readonly engine: Engine;
  readonly credentials: Credentials;
  /** Its clock tells the wall time alone. */
  readonly runtime: Pick<Runtime, "clock" | "random" | "log">;
  /** Elapsed time, for all that a socket waits for: a step of the wall clock must cut nobody off. */
  readonly steadyClock: Clock;
  readonly options: HttpFrontOptions;
}

/** Who asks over an exchange, and listens as long as it is open. */
class ExchangeCall implements Call {
  readonly caller: string;
  readonly requestId: string;
  readonly #exchange: Exchange;

  constructor(caller: string, requestId: string, exchange: Exchange) {
    this.caller = caller;
    this.requestId = requestId;
    this.#exchange = exchange;
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }
}

/** A request while it is answered. */
interface Attendance {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly exchange: Exchange;
  readonly visit: Visit;
  readonly body: RequestBody;
  readonly startedAt: EpochMs;
  /** The client holds the body back until it is told to go on. */
  awaitsContinue: boolean;
  /** What the head said, once it was found good. */
  admitted?: Admitted;
}

const NEVER = new AbortController().signal;

/** The signed XML protocol over `node:http`: sockets and bodies on this side, `SignedProtocol` on the other. */
export class HttpFront {
  readonly #engine: Engine;
  readonly #protocol: SignedProtocol;
  readonly #runtime: HttpFrontParts["runtime"];
  readonly #steadyClock: Clock;
  readonly #limits: typeof DEFAULT_HTTP_LIMITS;
  readonly #budget: ReadBudget;
  readonly #answers: AnswersUnderWay;
  readonly #connections: Connections;
  readonly #requests: RequestLog;
  readonly #servers: Server[] = [];
  #stopping = false;

  constructor({ engine, credentials, runtime, steadyClock, options }: HttpFrontParts) {
    this.#limits = { ...DEFAULT_HTTP_LIMITS, ...options };
    this.#engine = engine;
    this.#runtime = runtime;
    this.#steadyClock = steadyClock;
    this.#protocol = new SignedProtocol(engine, credentials, runtime, {
      ...options,
      clockSkew: this.#limits.clockSkew,
    });
    this.#budget = new ReadBudget(this.#limits.sharedReadBytes);
    this.#answers = new AnswersUnderWay(steadyClock, {
      maxBytes: this.#limits.sharedAnswerBytes,
      timeout: this.#limits.answerTimeout,
    });
    this.#connections = new Connections(steadyClock, this.#limits.maxConnections);
    this.#requests = new RequestLog({ clock: steadyClock, log: runtime.log });
  }

  /** Serves on one more address; port 0 picks a free one. Rejects with Node's error when it cannot be had. */
  async listen(host: string, port: number): Promise<Address> {
    const server = this.#makeServer();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port }, () => {
        server.off("error", reject);
        resolve();
      });
    });
    server.on("error", (error) => this.#requests.failed(error, {}));
    this.#servers.push(server);
    const bound = server.address() as AddressInfo;
    return { host: bound.address, port: bound.port };
  }

  /** RUN-2: no new connections; new requests on the open ones are refused. What is under way goes on. */
  stopListening(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    // RUN-2.2: the server's own close() would also cut idle connections, on which a client may just be sending.
    for (const server of this.#servers) NetServer.prototype.close.call(server);
  }

  /** Lets the answers under way leave, then ends every connection. To be called when the engine has stopped. */
  async finish(): Promise<void> {
    this.stopListening();
    await this.#quietWithin(FINISH_WITHIN);
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
    // DEL-8: what was cut off is given back, and told.
    await this.#quietWithin(GIVE_BACK_WITHIN);
    this.#requests.flush();
  }

  /** Waits until no exchange is open, but no longer than that. */
  #quietWithin(atMost: DurationMs): Promise<void> {
    const clock = this.#steadyClock;
    return new Promise((resolve, reject) => {
      const alarm = clock.alarm(clock.now() + atMost, resolve);
      this.#connections.quiet().then(() => {
        alarm.cancel();
        resolve();
      }, reject);
    });
  }

  /** Both, for who has no engine to stop between them. */
  async stop(): Promise<void> {
    this.stopListening();
    await this.finish();
  }

  #makeServer(): Server {
    const { headersTimeout, requestTimeout, keepAlive, checkSlowEvery } = this.#limits;
    const server = createServer({
      headersTimeout,
      requestTimeout,
      keepAliveTimeout: keepAlive,
      connectionsCheckingInterval: checkSlowEvery,
      maxHeaderSize: MAX_HEADER_BYTES,
      insecureHTTPParser: false,
      requireHostHeader: false, // refused below, with a request id
      joinDuplicateHeaders: true, // one that stands twice is none that an SDK sends, and fits no form
    });
    const attend = (awaitsContinue: boolean) => (request: IncomingMessage, response: ServerResponse) => {
      this.#attend(request, response, awaitsContinue).catch((error: unknown) => {
        this.#requests.failed(error, {});
        request.socket.destroy();
      });
    };
    server.on("connection", (socket: Socket) => this.#connections.accept(socket));
    server.on("request", attend(false));
    server.on("checkContinue", attend(true));
    server.on("checkExpectation", attend(false)); // whatever else is expected is none of ours
    server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => this.#onClientError(error, socket));
    return server;
  }

  async #attend(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): Promise<void> {
    const exchange = this.#connections.begin(request);
    const visit = { requestId: this.#drawRequestId(), hostId: hostIdOf(request) };
    const body = new RequestBody(exchange, this.#limits.maxRequestBytes, this.#budget);
    const startedAt = this.#steadyClock.now();
    const attendance: Attendance = { request, response, exchange, visit, body, startedAt, awaitsContinue };
    try {
      const answer = await this.#answer(attendance);
      const parcel = { exchange, response, answer, answers: this.#answers };
      if (await deliverAnswer(parcel, this.#steadyClock)) return;
      const givenBack = await this.#giveBack(attendance, answer);
      this.#requests.hungUp({ ...this.#describe(attendance), givenBack });
    } catch (error) {
      if (!(error instanceof HungUp)) throw error;
      if (error instanceof AnswerLost) request.socket.destroy();
      this.#requests.hungUp(this.#describe(attendance));
    } finally {
      body.release();
      this.#answers.end(response);
      this.#connections.end(exchange);
    }
  }

  async #answer(attendance: Attendance): Promise<Answer> {
    let answer: Answer;
    try {
      answer = await this.#perform(attendance);
    } catch (error) {
      if (error instanceof HungUp) throw error;
      answer = this.#answerThrown(error, attendance);
      if (!answer.closes && !(await this.#makeUsable(attendance))) answer = { ...answer, closes: true };
    }
    attendance.body.release();
    if (!this.#begin(attendance, answer)) answer = await this.#takeBack(attendance, answer);
    this.#log(attendance, answer);
    return this.#stopping ? { ...answer, closes: true } : answer;
  }

  async #perform(attendance: Attendance): Promise<Answer> {
    const { request, response, exchange, visit, body } = attendance;
    if (this.#stopping) throw new BrokerError("stopping", "the broker is stopping; nothing was stored.");
    const { method = "", url: target = "", headers } = request;
    if (!headers.host || headers.host.includes(",")) {
      throw new Refusal("http-broken", { hint: "the Host header is missing, or there are two." });
    }
    const admitted = this.#protocol.admit({ method, target, headers }, visit);
    attendance.admitted = admitted;
    body.checkDeclaredLength();
    if (attendance.awaitsContinue) sayContinue(response);
    attendance.awaitsContinue = false;
    const document = admitted.hasDocument ? await body.read() : await body.skip();
    const call = new ExchangeCall(admitted.caller, visit.requestId, exchange);
    return this.#protocol.perform(admitted, document, call, visit);
  }

  #answerThrown(error: unknown, attendance: Attendance): Answer {
    const { visit, admitted } = attendance;
    const answer = this.#protocol.answerRefusal(error, visit, admitted?.operation);
    if (answer) return answer;
    this.#requests.failed(error, this.#describe(attendance));
    return refuse(visit, DOOR_REFUSALS.bug);
  }

  /** REQ-3: reads what is left of a refused request; false when the connection cannot be used after it. */
  async #makeUsable({ awaitsContinue, body }: Attendance): Promise<boolean> {
    return !awaitsContinue && (await body.drain(this.#limits.maxDrain));
  }

  /** False where there is no room for the answer. */
  #begin({ response }: Attendance, { body }: Answer): boolean {
    const bytes = body?.length ?? 0;
    return bytes <= FREE_BYTES || this.#answers.begin(response, bytes);
  }

  /** Refuses instead, in few bytes. To ask again does no harm: what publishes are answered is small and never comes here. */
  async #takeBack(attendance: Attendance, answer: Answer): Promise<Answer> {
    await this.#giveBack(attendance, answer, { noRoom: true });
    const hint = "too many answers are not read yet, and there is no room for this one. Try again.";
    return refuse(attendance.visit, DOOR_REFUSALS["no-room-for-answer"], { hint });
  }

  /** DEL-8: what was not sent was not received. Resolves to how many deliveries were given back. */
  async #giveBack(
    attendance: Attendance,
    { deliveries }: Answer,
    why: Pick<GiveBackRequest, "noRoom"> = {},
  ): Promise<number> {
    const { visit, admitted } = attendance;
    if (deliveries === undefined || admitted === undefined) return 0;
    const call = { caller: admitted.caller, requestId: visit.requestId, signal: NEVER };
    try {
      await this.#engine.giveBack(call, { handles: deliveries, ...why });
      return deliveries.length;
    } catch (error) {
      // They come again by themselves, when their invisible time ends.
      if (!(error instanceof BrokerError)) this.#requests.failed(error, this.#describe(attendance));
      return 0;
    }
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const { headersTimeout, requestTimeout } = this.#limits;
    const code = error.code ?? "";
    if (code === "ERR_HTTP_REQUEST_TIMEOUT" && socket.bytesRead > 0) {
      const hint = `headers may take ${describeDuration(headersTimeout)}, a request ${describeDuration(requestTimeout)}.`;
      this.#sayLastWord(socket, "request-too-slow", { hint });
    } else if (code === "HPE_HEADER_OVERFLOW") {
      this.#sayLastWord(socket, "headers-too-large", { text: rangeText("the headers", 0, MAX_HEADER_BYTES) });
    } else if (code.startsWith("HPE_")) {
      this.#sayLastWord(socket, "http-broken", { hint: "this is no HTTP/1.1, or a body is not as long as it says." });
    } else {
      socket.destroy();
    }
  }

  /** Answers where there is no request to answer, and ends the connection. */
  #sayLastWord(socket: Socket, reason: DoorRefusal, details: RefusalDetails): void {
    const visit = { requestId: this.#drawRequestId(), hostId: endpointOf(socket) };
    const answer = refuse(visit, DOOR_REFUSALS[reason], details);
    if (!this.#connections.close(socket, formatLastWord(answer, this.#runtime.clock.wall()))) return;
    this.#requests.refused(reason, { requestId: visit.requestId, status: answer.status, ...answer.refusal });
  }

  #log(attendance: Attendance, answer: Answer): void {
    if (!answer.refusal && !this.#requests.tellsAnswered) return;
    const fields = { ...this.#describe(attendance), status: answer.status, ...answer.refusal };
    if (answer.refusal) this.#requests.refused(`${attendance.admitted?.operation.name} ${answer.refusal.code}`, fields);
    else this.#requests.answered(fields);
  }

  #describe({ request, visit, admitted, startedAt }: Attendance): LogFields {
    return {
      requestId: visit.requestId,
      method: request.method,
      operation: admitted?.operation.name,
      instance: admitted?.operation.instance,
      topic: admitted?.operation.topic,
      caller: admitted?.caller,
      tookMs: this.#steadyClock.now() - startedAt,
    };
  }

  #drawRequestId(): string {
    return formatRequestId(this.#runtime.clock.wall(), this.#runtime.random.bytes(8));
  }
}

/** In its turn: while answers before it are under way, `node:http` would say it after the head of its own. */
function sayContinue(response: ServerResponse): void {
  if (response.socket !== null) response.writeContinue();
  else response.once("socket", () => response.headersSent || response.writeContinue());
}

function hostIdOf({ headers, socket }: IncomingMessage): string {
  return headers.host ? `http://${headers.host.slice(0, MAX_HOST)}` : endpointOf(socket);
}

function endpointOf({ localAddress = "", localPort = 0 }: Socket): string {
  return `http://${formatAddress({ host: localAddress, port: localPort })}`;
}
