import { contentMd5Matches, type Operation, parseOperation, queryText, type SignedRequest } from "@stagemq/wire";
import type { Credentials } from "../access/credentials.ts";
import { BrokerError } from "../domain/broker-error.ts";
import type { Call, Engine } from "../engine/engine.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type Answer, refuse, type Visit } from "./answer.ts";
import { type AuthenticateOptions, authenticate } from "./authenticate.ts";
import { BROKER_REFUSALS, DOOR_REFUSALS } from "./error-table.ts";
import { type HintOptions, hintFor } from "./hints.ts";
import { KnownOperations } from "./known-operations.ts";
import { LeftOutProperties } from "./left-out-properties.ts";
import { acknowledgeMessages } from "./operations/acknowledge-messages.ts";
import { consumeHalfMessages } from "./operations/consume-half-messages.ts";
import { consumeMessages } from "./operations/consume-messages.ts";
import type { Desk } from "./operations/desk.ts";
import { endTransaction } from "./operations/end-transaction.ts";
import { publishMessage } from "./operations/publish-message.ts";
import { Refusal } from "./refusal.ts";

/** A request whose head was found good: what it asks for, and who asks. */
export interface Admitted {
  readonly operation: Operation;
  readonly caller: string;
  /** Whether its body is a document; what comes with a poll is thrown away unread (WIRE-12). */
  readonly hasDocument: boolean;
  readonly contentMd5: string | undefined;
}

export interface SignedProtocolOptions extends AuthenticateOptions, HintOptions {
  /** Of stagemq, for who looks at this port with a browser. */
  readonly version: string;
}

/** The protocol of this door: a head and a body in, an answer out. Knows no socket. */
export class SignedProtocol {
  readonly #desk: Desk;
  readonly #known = new KnownOperations();
  readonly #credentials: Credentials;
  readonly #runtime: Pick<Runtime, "clock">;
  readonly #options: SignedProtocolOptions;

  constructor(
    engine: Engine,
    credentials: Credentials,
    runtime: Pick<Runtime, "clock" | "log">,
    options: SignedProtocolOptions,
  ) {
    this.#desk = { engine, leftOut: new LeftOutProperties(runtime.log) };
    this.#credentials = credentials;
    this.#runtime = runtime;
    this.#options = options;
  }

  /** What the head alone decides: names the operation and the caller, or refuses. */
  admit(head: SignedRequest, visit: Visit): Admitted {
    const known = this.#known.find(head);
    const operation = known ?? this.#route(head, visit);
    const caller = authenticate(head, this.#credentials, this.#runtime.clock.wall(), this.#options);
    if (known === undefined) this.#known.keep(head, operation);
    const hasDocument = head.method !== "GET";
    const contentMd5 = head.headers["content-md5"];
    return { operation, caller, hasDocument, contentMd5: typeof contentMd5 === "string" ? contentMd5 : undefined };
  }

  /** Carries out what was admitted. Refuses by throwing, as the engine does. */
  perform(admitted: Admitted, document: Buffer, call: Call, visit: Visit): Promise<Answer> {
    checkDigest(admitted, document);
    const { operation } = admitted;
    const instance = operation.instance ?? this.#options.defaultInstance; // INS-1
    const errand = { visit, call, topic: { instance, topic: operation.topic } };
    switch (operation.name) {
      case "publish-message":
        return publishMessage(this.#desk, errand, document);
      case "consume-messages":
        return consumeMessages(this.#desk, errand, operation);
      case "consume-half-messages":
        return consumeHalfMessages(this.#desk, errand, operation);
      case "acknowledge-messages":
        return acknowledgeMessages(this.#desk, errand, operation, document);
      case "end-transaction":
        return endTransaction(this.#desk, errand, operation, document);
    }
  }

  /** The answer to a refusal; undefined for anything else that was thrown, which is a bug. */
  answerRefusal(thrown: unknown, visit: Visit, operation: Operation | undefined): Answer | undefined {
    if (thrown instanceof Refusal) return refuse(visit, DOOR_REFUSALS[thrown.reason], thrown.details);
    if (!(thrown instanceof BrokerError)) return undefined;
    const hint = operation ? hintFor(thrown, operation, this.#desk.engine.catalog, this.#options) : thrown.message;
    return refuse(visit, BROKER_REFUSALS[thrown.code], { hint });
  }

  #route({ method, target }: SignedRequest, visit: Visit): Operation {
    const route = parseOperation(method, target);
    if ("operation" in route) return route.operation;
    switch (route.refusal) {
      case "InvalidArgument": {
        const hint = `${route.missing} is missing or empty; it names the consumer group, as in ${route.missing}=GID_orders.`;
        throw new Refusal("consumer-missing", { hint });
      }
      case "InvalidQueryString": {
        const hint = "it may be order or pop in a GET, commit or rollback in a DELETE.";
        throw new Refusal("query-unreadable", { text: queryText(route.item), hint });
      }
      case "InvalidRequestURL": {
        if (route.allow !== undefined) {
          const hint = `the method may be ${route.allow}.`;
          throw new Refusal("method-unknown", { hint, headers: { Allow: route.allow } });
        }
        const hint =
          `this is the message port of stagemq ${this.#options.version} for the official HTTP SDKs, not a web page. ` +
          `Use ${visit.hostId} as the endpoint of your SDK; see its README.`;
        throw new Refusal("path-unknown", { hint });
      }
    }
  }
}

/** Only of what was signed with its digest; what comes with a poll is anything (WIRE-32). */
function checkDigest({ hasDocument, contentMd5 }: Admitted, document: Buffer): void {
  if (!hasDocument || !contentMd5 || contentMd5Matches(contentMd5, document)) return;
  throw new Refusal("digest-wrong", { hint: "it should be Base64 of the MD5, in hex, of the body as sent." });
}
