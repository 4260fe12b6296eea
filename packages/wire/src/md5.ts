import { hash } from "node:crypto";

/** MessageBodyMD5: upper-case hex of the body's UTF-8 bytes (PUB-3). */
export function bodyMd5(body: string | Uint8Array): string {
  return hash("md5", body, "hex").toUpperCase();
}

/** Content-MD5 as the SDKs write it: Base64 of the digest's hex, not of its bytes (Go SDK client.go:183). */
export function formatContentMd5(body: string | Uint8Array): string {
  return Buffer.from(hash("md5", body, "hex")).toString("base64");
}

/** Whether a Content-MD5 fits the body: Base64 of hex (the SDKs), Base64 of bytes (RFC 1864), or plain hex. */
export function contentMd5Matches(header: string, body: Uint8Array): boolean {
  const hex = hash("md5", body, "hex");
  const given = header.trim();
  return (
    given === Buffer.from(hex).toString("base64") ||
    given === Buffer.from(hex, "hex").toString("base64") ||
    given.toLowerCase() === hex
  );
}
