import { Buffer } from "node:buffer";
import { createSecretKey, type KeyObject } from "node:crypto";
import {
  formatAuthorization,
  formatContentMd5,
  formatDate,
  formatTarget,
  type Operation,
  SECURITY_TOKEN_HEADER,
  sign,
  stringToSign,
  VERSION,
  VERSION_HEADER,
  XML_CONTENT_TYPE,
} from "@stagemq/wire";
import type { Credentials } from "../credentials.ts";
import { InvalidArgumentError } from "../errors/invalid-argument-error.ts";
import { StagemqError } from "../errors/stagemq-error.ts";
import { ConnectionTurns } from "../transport/connection-turns.ts";
import type { HttpRequest, HttpTransport } from "../transport/http-transport.ts";
import type { HttpReply } from "../transport/reply-reader.ts";
import { sleep } from "../world.ts";
import { CallEnd, type CallTerms } from "./call-end.ts";
import { CallsUnderWay } from "./calls-under-way.ts";
import { isWorthAnotherTry, pauseBeforeTry } from "./retry.ts";
import type { Settings } from "./settings.ts";

const UNFIT_CREDENTIALS = "The access key id or the security token has a character that no header can carry.";

/** A request in the protocol's words, before it is signed. */
export interface Errand {
  readonly operation: Operation;
  readonly document?: string;
  /** It does no harm to ask twice. */
  readonly isRepeatable: boolean;
  /** The broker may take its time. */
  readonly isLongPoll: boolean;
}

/** Signs a request, sends it, and sends it again where that is safe and may help. What is refused is thrown. */
export class Exchange {
  readonly #settings: Settings;
  readonly #transport: HttpTransport;
  readonly #turns: ConnectionTurns;
  readonly #calls = new CallsUnderWay();
  #key: { readonly secret: string; readonly key: KeyObject } | undefined;

  constructor(settings: Settings, transport: HttpTransport) {
    this.#settings = settings;
    this.#transport = transport;
    this.#turns = new ConnectionTurns(settings.maxConnections);
  }

  /** What `read` makes of the first reply that it does not throw at. */
  async run<T>(errand: Errand, terms: CallTerms, read: (reply: HttpReply) => T): Promise<T> {
    const end = new CallEnd(this.#settings.world, terms);
    try {
      this.#calls.begin(end, errand.isLongPoll);
      if (terms.turn !== undefined) await unlessEnded(terms.turn, end.signal);
      return await this.#tryUntilDone(errand, end, read);
    } finally {
      end.release();
      this.#calls.finish(end);
    }
  }

  /** Ends long polls, and takes no more of them. */
  endPolls(): void {
    this.#calls.endPolls();
  }

  /** Takes no more calls; resolves when those under way are over and the connections closed. */
  async close(): Promise<void> {
    await this.#calls.drain();
    this.#transport.close();
  }

  async #tryUntilDone<T>(errand: Errand, end: CallEnd, read: (reply: HttpReply) => T): Promise<T> {
    const { world, retry } = this.#settings;
    for (let tries = 1; ; tries += 1) {
      try {
        return read(await this.#send(errand, end));
      } catch (failure) {
        if (end.signal.aborted) throw end.signal.reason;
        // What is none of ours is a mistake: in this client, or in a function given to it.
        if (!(failure instanceof StagemqError)) throw failure;
        if (tries >= retry.attempts || !isWorthAnotherTry(failure, errand.isRepeatable)) throw failure;
        end.lastFailure = failure;
      }
      end.phase = "waiting to try again";
      await sleep(world, pauseBeforeTry(tries, retry, world.random()), end.signal);
    }
  }

  async #send(errand: Errand, end: CallEnd): Promise<HttpReply> {
    end.phase = "waiting for credentials";
    const given = this.#settings.credentials();
    const credentials = given instanceof Promise ? await unlessEnded(given, end.signal) : given;
    end.phase = "waiting for a connection, all of maxConnections being in use";
    const giveBack = await this.#turns.take(errand.isLongPoll ? "wait" : "call", end.signal);
    end.phase = "waiting for the reply";
    try {
      return await this.#transport.send(this.#toRequest(errand, credentials), end.signal, () => {
        end.mayHaveArrived = true;
      });
    } finally {
      giveBack();
    }
  }

  #toRequest({ operation, document }: Errand, credentials: Credentials): HttpRequest {
    const { method, target } = formatTarget(operation);
    const headers: Record<string, string> = {
      Date: formatDate(this.#settings.world.wall()),
      "Content-Type": XML_CONTENT_TYPE,
      [VERSION_HEADER]: VERSION,
    };
    if (document !== undefined) {
      headers["Content-Length"] = String(Buffer.byteLength(document));
      headers["Content-MD5"] = formatContentMd5(document);
    }
    const { accessKeyId, accessKeySecret, securityToken } = credentials;
    const signature = sign(this.#keyOf(accessKeySecret), stringToSign({ method, target, headers }));
    headers.Authorization = formatAuthorization(accessKeyId, signature);
    if (securityToken) headers[SECURITY_TOKEN_HEADER] = securityToken;
    if (/[^ -~]/.test(accessKeyId + (securityToken ?? ""))) throw new InvalidArgumentError(UNFIT_CREDENTIALS);
    return { method, target, headers, body: document };
  }

  /** To make a key of a secret takes longer than to sign with it. */
  #keyOf(secret: string): KeyObject {
    if (this.#key?.secret !== secret) this.#key = { secret, key: createSecretKey(secret, "utf8") };
    return this.#key.key;
  }
}

/** Waits for something else, but no longer than the call may take. */
function unlessEnded<T>(other: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    other.then(resolve, reject);
  });
}
