import { timingSafeEqual } from "node:crypto";
import type { EpochMs } from "../domain/time.ts";
import type { ReceiptHandle } from "../engine/engine.ts";
import type { Id, Offset } from "./journal/fact.ts";
import { KeyedHash } from "./keyed-hash.ts";

/** What a receipt handle says: which delivery, or which half message, and until when. */
export type Receipt = DeliveryReceipt | TransactionReceipt;

export interface DeliveryReceipt {
  readonly sort: "delivery";
  readonly topic: Id;
  readonly group: Id;
  readonly queue: number;
  readonly offset: Offset;
  readonly attempt: number;
  /** Drawn for this delivery (DEL-14). */
  readonly number: number;
  readonly at: EpochMs;
  readonly until: EpochMs;
}

export interface TransactionReceipt {
  readonly sort: "transaction";
  readonly topic: Id;
  readonly half: Id;
  readonly check: number;
  readonly number: number;
  readonly at: EpochMs;
  readonly until: EpochMs;
}

const SORTS = ["delivery", "transaction"] as const;
const CONTENT = 41;
const SEAL = 11;
/** Base64 of content and seal: no padding, and a length that garbage seldom has. The last letter has four bits to spare, all zero: one handle has one spelling. */
const HANDLE = /^[A-Za-z0-9_-]{69}[AQgw]$/;

/** Makes handles that only this journal's holder can make, and reads them back (DEL-14). */
export class Receipts {
  readonly #seals: KeyedHash;

  constructor(secret: Uint8Array) {
    this.#seals = new KeyedHash(secret, "receipt:", CONTENT);
  }

  seal(receipt: Receipt): ReceiptHandle {
    const bytes = Buffer.allocUnsafe(CONTENT + SEAL);
    bytes.writeUInt8(SORTS.indexOf(receipt.sort), 0);
    bytes.writeUIntBE(receipt.topic, 1, 6);
    bytes.writeUIntBE(receipt.sort === "delivery" ? receipt.group : receipt.half, 7, 6);
    bytes.writeUInt16BE(receipt.sort === "delivery" ? receipt.queue : 0, 13);
    bytes.writeUIntBE(receipt.sort === "delivery" ? receipt.offset : 0, 15, 6);
    bytes.writeUInt32BE(receipt.sort === "delivery" ? receipt.attempt : receipt.check, 21);
    bytes.writeUInt32BE(receipt.number, 25);
    bytes.writeUIntBE(receipt.at, 29, 6);
    bytes.writeUIntBE(receipt.until, 35, 6);
    this.#sealOf(bytes.subarray(0, CONTENT)).copy(bytes, CONTENT);
    return bytes.toString("base64url");
  }

  /** Undefined for whatever was not sealed with this secret. */
  open(handle: ReceiptHandle): Receipt | undefined {
    if (!HANDLE.test(handle)) return undefined;
    const bytes = Buffer.from(handle, "base64url");
    const content = bytes.subarray(0, CONTENT);
    if (!timingSafeEqual(this.#sealOf(content), bytes.subarray(CONTENT))) return undefined;
    const topic = content.readUIntBE(1, 6);
    const owner = content.readUIntBE(7, 6);
    const count = content.readUInt32BE(21);
    const number = content.readUInt32BE(25);
    const at = content.readUIntBE(29, 6);
    const until = content.readUIntBE(35, 6);
    if (SORTS[content.readUInt8(0)] === "transaction") {
      return { sort: "transaction", topic, half: owner, check: count, number, at, until };
    }
    const queue = content.readUInt16BE(13);
    const offset = content.readUIntBE(15, 6);
    return { sort: "delivery", topic, group: owner, queue, offset, attempt: count, number, at, until };
  }

  #sealOf(content: Uint8Array): Buffer {
    return this.#seals.of(content).subarray(0, SEAL);
  }
}
