import { hash } from "node:crypto";

const BLOCK = 64;
const DIGEST = 32;

/**
 * HMAC-SHA256 (RFC 2104), as two hashes in one go each: every delivery and every acknowledgement takes one, and for so few
 * bytes setting up Node's own costs more than hashing.
 */
export class KeyedHash {
  readonly #inner: Buffer;
  readonly #outer: Buffer;
  readonly #contentAt: number;

  /** Of contents of `bytes` bytes, each of them behind `purpose`. */
  constructor(secret: Uint8Array, purpose: string, bytes: number) {
    if (secret.length > BLOCK) throw new RangeError("A longer secret would have to be hashed first.");
    this.#contentAt = BLOCK + Buffer.byteLength(purpose);
    this.#inner = Buffer.alloc(this.#contentAt + bytes);
    this.#outer = Buffer.alloc(BLOCK + DIGEST);
    for (let at = 0; at < BLOCK; at++) {
      const byte = secret[at] ?? 0;
      this.#inner[at] = byte ^ 0x36;
      this.#outer[at] = byte ^ 0x5c;
    }
    this.#inner.write(purpose, BLOCK);
  }

  of(content: Uint8Array): Buffer {
    if (content.length !== this.#inner.length - this.#contentAt) throw new RangeError("Made for other contents.");
    this.#inner.set(content, this.#contentAt);
    this.#outer.write(hash("sha256", this.#inner, "binary"), BLOCK, "latin1");
    return Buffer.from(hash("sha256", this.#outer, "binary"), "latin1");
  }
}
