import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { KeyedHash } from "./keyed-hash.ts";

const BYTES = 41;

it("is what everybody calls HMAC-SHA256, one content after the other", () => {
  const bytes = fc.uint8Array({ minLength: BYTES, maxLength: BYTES });
  const secrets = fc.uint8Array({ maxLength: 64 });
  fc.assert(
    fc.property(secrets, fc.string(), fc.array(bytes), (secret, purpose, contents) => {
      const keyed = new KeyedHash(secret, purpose, BYTES);
      for (const content of contents) {
        const expected = createHmac("sha256", secret).update(purpose).update(content).digest("hex");
        expect(keyed.of(content).toString("hex")).toBe(expected);
      }
    }),
  );
});

it("refuses what it was not made for", () => {
  expect(() => new KeyedHash(new Uint8Array(65), "", BYTES)).toThrow(RangeError);
  expect(() => new KeyedHash(new Uint8Array(32), "", BYTES).of(new Uint8Array(BYTES + 1))).toThrow(RangeError);
});
