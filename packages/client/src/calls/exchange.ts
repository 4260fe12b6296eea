import { Buffer } from "node:buffer";
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
import type { HttpReply, HttpRequest, HttpTransport } from "../transport/http-transport.ts";
import { sleep } from "../world.ts";
import { CallEnd, type CallTerms } from "./call-end.ts";
import { failureOf } from "./failure-of.ts";
import { isWorthAnotherTry, pauseBeforeTry } from "./retry.ts";
import type { Settings } from "./settings.ts";

/** A request in the protocol's words, before it is signed. */
export interface Errand {
  readonly operation: Operation;
  readonly document?: string;
  /** It does no harm to ask twice. */
  readonly isRepeatable: boolean;
}

/** Signs a request, sends it, and sends it again where that is safe and may help. What is refused is thrown. */
export class Exchange {
  readonly #settings: Settings;
  readonly #transport: HttpTransport;

  constructor(settings: Settings, transport: HttpTransport) {
    this.#settings = settings;
    this.#transport = transport;
  }

  /** What `read` makes of the first reply that it does not throw at. */
  async run<T>(errand: Errand, terms: CallTerms, read: (reply: HttpReply) => T): Promise<T> {
    const { world, retry } = this.#settings;
    const end = new CallEnd(world, terms);
    try {
      if (terms.turn !== undefined) await orEnd(terms.turn, end);
      for (let tries = 1; ; tries += 1) {
        try {
          return await this.#try(errand, end, read);
        } catch (cause) {
          if (end.signal.aborted) throw end.signal.reason;
          const failure = failureOf(cause);
          if (tries >= retry.attempts || !isWorthAnotherTry(failure, errand.isRepeatable)) throw failure;
          end.lastFailure = failure;
          end.phase = "waiting to try again";
          await sleep(world, pauseBeforeTry(tries, retry, world.random()), end.signal);
        }
      }
    } finally {
      end.release();
    }
  }

  async #try<T>(errand: Errand, end: CallEnd, read: (reply: HttpReply) => T): Promise<T> {
    const request = await this.#signed(errand);
    end.phase = "waiting for the reply";
    return read(await this.#transport.send(request, end));
  }

  async #signed({ operation, document }: Errand): Promise<HttpRequest> {
    const { credentials, world } = this.#settings;
    const { accessKeyId, accessKeySecret, securityToken } = await credentials();
    const { method, target } = formatTarget(operation);
    const headers: Record<string, string> = {
      Date: formatDate(world.wall()),
      "Content-Type": XML_CONTENT_TYPE,
      [VERSION_HEADER]: VERSION,
    };
    if (document !== undefined) {
      headers["Content-Length"] = String(Buffer.byteLength(document));
      headers["Content-MD5"] = formatContentMd5(document);
    }
    const signature = sign(accessKeySecret, stringToSign({ method, target, headers }));
    headers.Authorization = formatAuthorization(accessKeyId, signature);
    if (securityToken !== undefined) headers[SECURITY_TOKEN_HEADER] = securityToken;
    return { method, target, headers, body: document };
  }
}

/** Waits for something else, but no longer than the call may take. */
function orEnd(other: Promise<void>, { signal }: CallEnd): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    other.then(resolve, reject);
  });
}
