import { describe, expect, it } from "vitest";
import { bodyMd5, contentMd5Matches, formatContentMd5 } from "./md5.ts";

describe("digests of bodies", () => {
  it("PUB-3.2 and WIRE-45: MessageBodyMD5 is the upper-case MD5 of the body in UTF-8", () => {
    expect(bodyMd5("a")).toBe("0CC175B9C0F1B6A831C399E269772661");
    expect(bodyMd5("hello")).toBe("5D41402ABC4B2A76B9719D911017C592");
    expect(bodyMd5("中")).toBe(bodyMd5(Buffer.from([0xe4, 0xb8, 0xad])));
  });

  it.each([
    ["Base64 of hex, as the SDKs write it", "NWQ0MTQwMmFiYzRiMmE3NmI5NzE5ZDkxMTAxN2M1OTI="],
    ["Base64 of bytes", "XUFAKrxLKna5cZ2REBfFkg=="],
    ["hex", "5d41402abc4b2a76b9719d911017c592"],
    ["upper-case hex", "5D41402ABC4B2A76B9719D911017C592"],
  ])("WIRE-30: Content-MD5 may be %s", (_, header) => {
    expect(contentMd5Matches(header, Buffer.from("hello"))).toBe(true);
    expect(contentMd5Matches(header, Buffer.from("hello!"))).toBe(false);
  });

  it("WIRE-30: what is no digest fits nothing", () => {
    for (const header of ["", "x", "NWQ0MTQwMmFiYzRiMmE3NmI5NzE5ZDkxMTAxN2M1OTI"]) {
      expect(contentMd5Matches(header, Buffer.from("hello"))).toBe(false);
    }
  });

  it("WIRE-31: Go's Content-MD5 of nothing fits the empty body", () => {
    const ofNothing = "ZDQxZDhjZDk4ZjAwYjIwNGU5ODAwOTk4ZWNmODQyN2U=";
    expect(contentMd5Matches(ofNothing, Buffer.alloc(0))).toBe(true);
    expect(formatContentMd5("")).toBe(ofNothing);
  });
});
