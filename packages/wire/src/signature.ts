import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto";
import { SigningKey } from "./signing-key.ts";

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
export function stringToSign({ method, target, headers }: SignedRequest): string {
  let contentMd5 = "";
  let contentType = "";
  let date = "";
  const signed: [name: string, value: string][] = [];
  for (const given in headers) {
    const name = given.toLowerCase();
    if (name === "content-md5") contentMd5 = headerText(headers[given]);
    else if (name === "content-type") contentType = headerText(headers[given]);
    else if (name === "date") date = headerText(headers[given]);
    else if (name.startsWith("x-mq-") && headers[given] !== undefined) signed.push([name, headerText(headers[given])]);
  }
  if (signed.length > 1) signed.sort(([a], [b]) => (a < b ? -1 : 1));
  let text = `${method.toUpperCase()}\n${contentMd5}\n${contentType}\n${date}\n`;
  for (const [name, value] of signed) text += `${name}:${value}\n`;
  return text + target;
}

/** Base64 of the HMAC-SHA1 of a string to sign. */
export function sign(secret: string | KeyObject, text: string): string {
  if (typeof secret === "string") return createHmac("sha1", secret).update(text, "latin1").digest("base64");
  return signingKeyOf(secret).sign(text);
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
  const key = signingKeyOf(secretKey);
  const given = Buffer.from(signature);
  const fits = (text: string): boolean => {
    const expected = Buffer.from(key.sign(text));
    return given.length === expected.length && timingSafeEqual(given, expected);
  };
  const signed = stringToSign(request);
  const valid = fits(signed) || otherTargets(request).some((target) => fits(stringToSign({ ...request, target })));
  return { valid, signed };
}

const signingKeys = new WeakMap<KeyObject, SigningKey>();

/** Each made ready once. */
function signingKeyOf(secret: KeyObject): SigningKey {
  let key = signingKeys.get(secret);
  if (key === undefined) {
    key = new SigningKey(secret.export());
    signingKeys.set(secret, key);
  }
  return key;
}

function otherTargets({ target }: SignedRequest): string[] {
  const queryStart = target.includes("?") ? target.indexOf("?") : target.length;
  const path = target.slice(0, queryStart);
  const query = target.slice(queryStart);
  const others = [
    // Node with an endpoint that ends in a slash sends //topics and signs /topics.
    target.replace(/^\/{2,}/, "/"),
    // Go, PHP and C# send %25DLQ%25 and sign %DLQ%.
    path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) + query,
  ];
  return others.filter((other) => other !== target);
}

function headerText(value: string | readonly string[] | undefined): string {
  if (typeof value === "string") return value.trim();
  return value === undefined ? "" : value.join(", ").trim();
}
