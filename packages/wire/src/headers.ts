/** Lower case on the wire: Python looks it up case-sensitively (Python SDK mq_client.py:266). */
export const REQUEST_ID_HEADER = "x-mq-request-id";
export const VERSION_HEADER = "x-mq-version";
export const SECURITY_TOKEN_HEADER = "security-token";
export const VERSION = "2015-06-06";

/** Node reads a body only under `text/xml` or `application/xml` (Node SDK client.js:75). */
export const XML_CONTENT_TYPE = "text/xml;charset=utf-8";

/** 24 upper-case hex digits: the time in seconds, and eight random bytes. */
export function formatRequestId(epochMs: number, randomBytes: Uint8Array): string {
  REQUEST_ID.writeUInt32BE(Math.floor(epochMs / 1000) % 2 ** 32, 0);
  REQUEST_ID.set(randomBytes, 4);
  return REQUEST_ID.toString("hex").toUpperCase();
}

const REQUEST_ID = Buffer.alloc(12);
