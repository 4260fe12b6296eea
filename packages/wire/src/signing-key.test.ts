import { createHmac } from "node:crypto";
import { expect, it } from "vitest";
import { SigningKey } from "./signing-key.ts";

const SECRETS = ["", "s3cret", "中文", "x".repeat(64), "y".repeat(65), "z".repeat(500)];
const TEXTS = ["", "GET\n\n\n", "é ÿ", "t".repeat(1_024), "u".repeat(1_025), "v".repeat(20_000)];

it("WIRE-23: signs as HMAC-SHA1 does, whatever the length of secret and text", () => {
  for (const secret of SECRETS) {
    const key = new SigningKey(Buffer.from(secret));
    for (const text of [...TEXTS, ...TEXTS]) {
      expect(key.sign(text)).toBe(createHmac("sha1", secret).update(text, "latin1").digest("base64"));
    }
  }
});
