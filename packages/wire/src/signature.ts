import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto";

/** A request as HTTP libraries hand it over: target and values with one character per byte, nothing decoded. */
export interface SignedRequest {
  readonly method: string;
  /** The request target as sent: path, and `?` with the query if there is one. */
  readonly target: string;
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
}

/** What `Authorization: MQ id:signature` says; undefined when it has another form. */
export function parseAuthorization(value: string): { accessKeyId: string; signature: string } | undefined {
  const [, accessKeyId, signature] = /^MQ ([^\s:]+):(\S+)$/.exec(value) ?? [];
  return accessKeyId === undefined || signature === undefined ? undefined : { accessKeyId, signature };
}

export function formatAuthorization(accessKeyId: string, signature: string): string {
  return `MQ ${accessKeyId}:${signature}`;
}

/** The text that caller and broker sign alike. Host, security-token and all other headers are not in it. */
export function stringToSign(request: SignedRequest): string {
  const headers = lowerCased(request.headers);
  const signed = [...headers].filter(([name]) => name.startsWith("x-mq-")).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    request.method.toUpperCase(),
    headers.get("content-md5") ?? "",
    headers.get("content-type") ?? "",
    headers.get("date") ?? "",
    ...signed.map(([name, value]) => `${name}:${value}`),
    request.target,
  ].join("\n");
}

/** Base64 of the HMAC-SHA1 of a string to sign. */
export function sign(secret: string | KeyObject, text: string): string {
  return createHmac("sha1", secret).update(text, "latin1").digest("base64");
}

/**
 * Compares in constant time, first with the target as received, then with what some SDKs sign instead of what they send.
 * `signed` is the string for the target as received, so that a refusal can show it.
 */
export function verifySignature(
  request: SignedRequest,
  secretKey: KeyObject,
  signature: string,
): { valid: boolean; signed: string } {
  const given = Buffer.from(signature);
  const fits = (text: string): boolean => {
    const expected = Buffer.from(sign(secretKey, text));
    return given.length === expected.length && timingSafeEqual(given, expected);
  };
  const valid = [...signedTargets(request.target)].some((target) => fits(stringToSign({ ...request, target })));
  return { valid, signed: stringToSign(request) };
}

function signedTargets(target: string): Set<string> {
  const queryStart = target.includes("?") ? target.indexOf("?") : target.length;
  const path = target.slice(0, queryStart);
  const query = target.slice(queryStart);
  return new Set([
    target,
    // Node with an endpoint that ends in a slash sends //topics and signs /topics.
    target.replace(/^\/{2,}/, "/"),
    // Go, PHP and C# send %25DLQ%25 and sign %DLQ%.
    path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) + query,
  ]);
}

function lowerCased(headers: SignedRequest["headers"]): Map<string, string> {
  const result = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined)
      result.set(name.toLowerCase(), (typeof value === "string" ? value : value.join(", ")).trim());
  }
  return result;
}
