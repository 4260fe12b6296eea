import { createSecretKey, type KeyObject } from "node:crypto";
import {
  formatAuthorization,
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

/** Who asks whom: what stands in every request. */
export interface Caller {
  readonly endpoint: URL;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly securityToken: string | undefined;
}

const SECOND_MS = 1_000;

/**
 * The requests for one operation, as bytes. They carry no Content-MD5, as those of most SDKs do, so the signature covers method,
 * target and date alone: it is made once a second, and the load generator stays cheaper than what it measures.
 */
export class SignedOperation {
  readonly #caller: Caller;
  readonly #secretKey: KeyObject;
  readonly #method: string;
  readonly #target: string;
  readonly #now: () => number;
  #second = Number.NaN;
  #head = "";

  constructor(operation: Operation, caller: Caller, now: () => number = Date.now) {
    const { method, target } = formatTarget(operation);
    [this.#method, this.#target, this.#caller, this.#now] = [method, target, caller, now];
    this.#secretKey = createSecretKey(Buffer.from(caller.accessKeySecret));
  }

  /** A request that can be sent within the next minutes. */
  toBytes(body = ""): Buffer {
    const second = Math.floor(this.#now() / SECOND_MS);
    if (second !== this.#second) [this.#second, this.#head] = [second, this.#writeHead(second * SECOND_MS)];
    return Buffer.from(`${this.#head}${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  #writeHead(at: number): string {
    const { endpoint, accessKeyId, securityToken } = this.#caller;
    const signed = { date: formatDate(at), "content-type": XML_CONTENT_TYPE, [VERSION_HEADER]: VERSION };
    const request = { method: this.#method, target: this.#target, headers: signed };
    const lines = Object.entries({
      host: endpoint.host,
      ...signed,
      authorization: formatAuthorization(accessKeyId, sign(this.#secretKey, stringToSign(request))),
      ...(securityToken === undefined ? {} : { [SECURITY_TOKEN_HEADER]: securityToken }),
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    return `${this.#method} ${this.#target} HTTP/1.1\r\n${lines.join("")}content-length: `;
  }
}
