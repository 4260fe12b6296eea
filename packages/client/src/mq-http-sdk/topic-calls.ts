import type { PropertyPair, PublishRequestDocument } from "@stagemq/wire";
import { type HandlesReply, type Poll, RemoteBroker } from "../calls/remote-broker.ts";
import { InvalidArgumentError } from "../errors/invalid-argument-error.ts";
import { RefusedError } from "../errors/refused-error.ts";
import { StagemqError } from "../errors/stagemq-error.ts";
import { encodeBody } from "../messages/encode-message.ts";
import { findUnwritable } from "../messages/find-unwritable.ts";
import type { Caller } from "./caller.ts";
import { connectionOf } from "./connections.ts";
import type { CustomProperties } from "./message-properties.ts";
import { MQError } from "./mq-error.ts";
import type { ConsumeResult, HandlesResult, PublishResult } from "./results.ts";
import { toMessage } from "./to-message.ts";

/** What a poll of the official SDK says. */
export interface Consuming extends Pick<Poll, "group" | "kind" | "tag"> {
  readonly numOfMessages: number;
  readonly waitSeconds: number | null | undefined;
}

/** The calls that concern one topic, in the words of the official SDK. Each gives its result, or throws an MQError. */
export class TopicCalls {
  readonly #broker: RemoteBroker;
  readonly #timeoutMs: number;
  readonly #topic: string;
  readonly #url: string;

  constructor(client: Caller, instanceId: string | null | undefined, topic: string) {
    const { exchange, origin, timeoutMs } = connectionOf(client);
    this.#broker = new RemoteBroker(exchange, instanceId || undefined);
    this.#timeoutMs = timeoutMs;
    this.#topic = topic;
    this.#url = `${origin}/topics/${topic}/messages`;
  }

  publish(
    body: string | Uint8Array,
    tag: string | null | undefined,
    properties: CustomProperties | null | undefined,
  ): Promise<PublishResult> {
    return this.#call("POST", async () => {
      const message = toDocument(textOf(body), tag ?? "", Object.entries(properties?.getProperties() ?? {}));
      const stored = await this.#broker.publish(this.#topic, message, this.#terms);
      return {
        code: 201,
        requestId: stored.requestId ?? "",
        body: {
          MessageId: stored.messageId,
          MessageBodyMD5: stored.bodyMd5,
          ...(stored.receiptHandle === undefined ? {} : { ReceiptHandle: stored.receiptHandle }),
        },
      };
    });
  }

  consume({ numOfMessages, waitSeconds, ...from }: Consuming): Promise<ConsumeResult> {
    return this.#call("GET", async () => {
      const poll = { ...from, topic: this.#topic, maxMessages: numOfMessages, waitSeconds: Number(waitSeconds ?? 0) };
      const { messages, requestId } = await this.#broker.receive(poll, this.#terms);
      if (messages.length === 0) {
        throw new RefusedError("MessageNotExist", "Message not exist.", { status: 404, requestId });
      }
      return { code: 200, requestId: requestId ?? "", body: messages.map(toMessage) };
    });
  }

  acknowledge(group: string, handles: readonly string[]): Promise<HandlesResult> {
    return this.#call("DELETE", async () =>
      toResult(await this.#broker.acknowledge(this.#topic, group, handles, this.#terms)),
    );
  }

  endTransaction(group: string, handle: string, resolution: "commit" | "rollback"): Promise<HandlesResult> {
    const transaction = { topic: this.#topic, group, handle };
    return this.#call("DELETE", async () =>
      toResult(await this.#broker.endTransaction(transaction, resolution, this.#terms)),
    );
  }

  get #terms() {
    return { timeoutMs: this.#timeoutMs };
  }

  async #call<T>(method: string, make: () => Promise<T>): Promise<T> {
    try {
      return await make();
    } catch (error) {
      // A mistake of the caller's is none of the call's.
      if (!(error instanceof StagemqError) || error instanceof InvalidArgumentError) throw error;
      throw new MQError(`${method} ${this.#url}`, error);
    }
  }
}

function toResult({ failures, requestId = "" }: HandlesReply): HandlesResult {
  if (failures.length === 0) return { code: 204, requestId, body: undefined };
  const body = failures.map(({ code, message, receiptHandle }) => ({
    ErrorCode: code,
    ErrorMessage: message,
    ReceiptHandle: receiptHandle,
  }));
  return { code: 404, requestId, body };
}

/** Numbers and the like went through the official SDK; what became of bytes and objects was no use to anybody. */
function textOf(body: unknown): string {
  return encodeBody(typeof body === "number" || typeof body === "boolean" ? String(body) : body, undefined);
}

/** Refuses what the broker would: the official SDK sends it, and is answered with this code. */
function toDocument(body: string, tag: string, pairs: readonly PropertyPair[]): PublishRequestDocument {
  const unwritable = findUnwritable(body, tag, pairs);
  if (unwritable !== undefined) throw new RefusedError("MalformedXML", unwritable, {});
  return { body, tag, properties: pairs.map(([name, value]) => `${name}:${value}`).join("|") };
}
