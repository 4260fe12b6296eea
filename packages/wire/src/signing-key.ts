import { hash } from "node:crypto";

const BLOCK = 64;
const DIGEST = 20;
/** Of nearly every text to sign; a longer one gets a place of its own. */
const USUAL_TEXT = 1_024;

/**
 * A secret to sign with, made ready once: HMAC-SHA1 (RFC 2104) as two hashes in one go each. Every request takes one, and for
 * so few bytes setting up Node's own costs more than hashing.
 */
export class SigningKey {
  readonly #inner = Buffer.alloc(BLOCK + USUAL_TEXT);
  readonly #outer = Buffer.alloc(BLOCK + DIGEST);

  constructor(secret: Buffer) {
    const key = secret.length > BLOCK ? Buffer.from(hash("sha1", secret, "hex"), "hex") : secret;
    for (let at = 0; at < BLOCK; at++) {
      const byte = key[at] ?? 0;
      this.#inner[at] = byte ^ 0x36;
      this.#outer[at] = byte ^ 0x5c;
    }
  }

  /** Base64 of the HMAC-SHA1 of a text with one character per byte. */
  sign(text: string): string {
    const end = BLOCK + text.length;
    const inner = end <= this.#inner.length ? this.#inner : Buffer.concat([this.#inner], end);
    inner.write(text, BLOCK, "latin1");
    this.#outer.write(hash("sha1", inner.subarray(0, end), "binary"), BLOCK, "latin1");
    return hash("sha1", this.#outer, "base64");
  }
}
