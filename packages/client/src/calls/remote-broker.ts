import {
  encodePublishRequest,
  encodeReceiptHandles,
  type HandleErrorDocument,
  type PublishReplyDocument,
  type PublishRequestDocument,
  type WireMessage,
} from "@stagemq/wire";
import type { HttpReply } from "../transport/reply-reader.ts";
import type { CallTerms } from "./call-end.ts";
import type { Exchange } from "./exchange.ts";
import { readErrors, readMessages, readPublishReply } from "./read-reply.ts";
import { readDocument, readSuccess, refusalOf, requestIdOf } from "./read-success.ts";

const STATUS_NO_CONTENT = 204;

/** The caller's part of `CallTerms`: what the call is about is known here. */
export type Terms = Omit<CallTerms, "what">;

export interface PublishReply extends PublishReplyDocument {
  readonly requestId: string | undefined;
}

/** Whose messages, and which. */
export interface Poll {
  readonly topic: string;
  readonly group: string;
  readonly kind: "concurrent" | "ordered" | "half";
  /** Never with half messages. */
  readonly tag: string;
  readonly maxMessages: number;
  readonly waitSeconds: number;
}

export interface PollReply {
  /** None: nothing was there. */
  readonly messages: readonly WireMessage[];
  readonly requestId: string | undefined;
  /** When the broker answered, by its own clock, in epoch milliseconds to the second; undefined if it did not say. */
  readonly answeredAt: number | undefined;
}

export interface HandlesReply {
  /** None: every handle was taken. */
  readonly failures: readonly HandleErrorDocument[];
  readonly requestId: string | undefined;
}

/** The verbs of the broker, in the words of the protocol. */
export class RemoteBroker {
  readonly #exchange: Exchange;
  readonly #place: { readonly instance?: string };

  constructor(exchange: Exchange, instance: string | undefined) {
    this.#exchange = exchange;
    this.#place = instance === undefined ? {} : { instance };
  }

  publish(topic: string, message: PublishRequestDocument, terms: Terms): Promise<PublishReply> {
    const operation = { name: "publish-message", ...this.#place, topic } as const;
    const errand = { operation, document: encodePublishRequest(message), isRepeatable: false, isLongPoll: false };
    return this.#exchange.run(errand, { ...terms, what: `publish to ${topic}` }, (reply) => ({
      ...readSuccess(reply, readPublishReply),
      requestId: requestIdOf(reply),
    }));
  }

  receive({ kind, tag, ...poll }: Poll, { timeoutMs, signal }: Terms): Promise<PollReply> {
    const place = { ...this.#place, topic: poll.topic, consumer: poll.group };
    const bounds = { maxMessages: poll.maxMessages, waitSeconds: poll.waitSeconds };
    const operation =
      kind === "half"
        ? ({ name: "consume-half-messages", ...place, ...bounds } as const)
        : ({ name: "consume-messages", ...place, ...bounds, mode: kind, tag } as const);
    const what = `receive from ${poll.topic}`;
    const terms = { what, timeoutMs: timeoutMs + poll.waitSeconds * 1_000, signal };
    const errand = { operation, isRepeatable: true, isLongPoll: poll.waitSeconds > 0 };
    return this.#exchange.run(errand, terms, readPoll);
  }

  acknowledge(topic: string, group: string, handles: readonly string[], terms: Terms): Promise<HandlesReply> {
    const operation = { name: "acknowledge-messages", ...this.#place, topic, consumer: group } as const;
    const errand = { operation, document: encodeReceiptHandles(handles), isRepeatable: true, isLongPoll: false };
    return this.#exchange.run(errand, { ...terms, what: `acknowledge in ${topic}` }, readHandles);
  }

  endTransaction(
    { topic, group, handle }: { readonly topic: string; readonly group: string; readonly handle: string },
    resolution: "commit" | "rollback",
    terms: Terms,
  ): Promise<HandlesReply> {
    const operation = { name: "end-transaction", ...this.#place, topic, consumer: group, resolution } as const;
    const errand = { operation, document: encodeReceiptHandles([handle]), isRepeatable: true, isLongPoll: false };
    return this.#exchange.run(errand, { ...terms, what: `${resolution} in ${topic}` }, readHandles);
  }
}

/** An empty poll is an error on the wire (WIRE-59), though a broker might think of saying it otherwise. */
function readPoll(reply: HttpReply): PollReply {
  const answeredAt = Date.parse(reply.headers.date ?? "");
  const rest = { requestId: requestIdOf(reply), answeredAt: Number.isNaN(answeredAt) ? undefined : answeredAt };
  if (reply.status === STATUS_NO_CONTENT) return { messages: [], ...rest };
  if (reply.status >= 200 && reply.status <= 299) return { messages: readDocument(reply, readMessages), ...rest };
  const refusal = refusalOf(reply);
  if (refusal.code !== "MessageNotExist") throw refusal;
  return { messages: [], ...rest };
}

/** A bad handle is told in a list; a bad request is not. */
function readHandles(reply: HttpReply): HandlesReply {
  const requestId = requestIdOf(reply);
  if (reply.status >= 200 && reply.status <= 299) return { failures: [], requestId };
  if (reply.status >= 500) throw refusalOf(reply);
  const failures = readDocument(reply, (root) => (root.name === "Errors" ? readErrors(root) : undefined));
  if (failures === undefined) throw refusalOf(reply);
  return { failures, requestId };
}
