import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Receipt, Receipts } from "./receipt.ts";

const SECRET = Buffer.alloc(32, 7);
const receipts = new Receipts(SECRET);

const id = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const delivery = fc.record({
  sort: fc.constant("delivery" as const),
  topic: id,
  group: id,
  queue: fc.integer({ min: 0, max: 1_023 }),
  offset: id,
  attempt: word,
  number: word,
  at: id,
  until: id,
});
const transaction = fc.record({
  sort: fc.constant("transaction" as const),
  topic: id,
  half: id,
  check: word,
  number: word,
  at: id,
  until: id,
});

const A_DELIVERY: Receipt = {
  sort: "delivery",
  topic: 1,
  group: 2,
  queue: 3,
  offset: 4,
  attempt: 5,
  number: 6,
  at: 7,
  until: 8,
};

describe("Receipts", () => {
  it("reads back what it sealed", () => {
    fc.assert(
      fc.property(fc.oneof(delivery, transaction), (receipt) => {
        const handle = receipts.seal(receipt);
        expect(handle).toMatch(/^[A-Za-z0-9_-]{70}$/);
        expect(receipts.open(handle)).toEqual(receipt);
        expect(new Receipts(Buffer.from(SECRET)).open(handle)).toEqual(receipt);
      }),
    );
  });

  it("takes no garbage, of whatever length", () => {
    const letter = fc.constantFrom(..."ABCxyz019_-");
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: letter, minLength: 69, maxLength: 71 })), (garbage) => {
        expect(receipts.open(garbage)).toBeUndefined();
      }),
    );
    for (const garbage of ["", "A".repeat(70), "-".repeat(70), "🚀".repeat(35), "\0".repeat(70)]) {
      expect(receipts.open(garbage)).toBeUndefined();
    }
  });

  it("takes none in which any bit is altered", () => {
    const bytes = Buffer.from(receipts.seal(A_DELIVERY), "base64url");
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const altered = Buffer.from(bytes);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(receipts.open(altered.toString("base64url"))).toBeUndefined();
    }
  });

  it("takes none spelled in another way", () => {
    const handle = receipts.seal(A_DELIVERY);
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const twins = [...letters].filter((last) => last !== handle.at(-1)).map((last) => handle.slice(0, -1) + last);
    for (const twin of [...twins, ` ${handle}`, `${handle}\n`, `${handle}=`, handle.slice(0, -1), `${handle}A`]) {
      expect(receipts.open(twin)).toBeUndefined();
    }
  });

  it("takes none that another journal sealed", () => {
    expect(new Receipts(Buffer.alloc(32, 8)).open(receipts.seal(A_DELIVERY))).toBeUndefined();
  });
});
