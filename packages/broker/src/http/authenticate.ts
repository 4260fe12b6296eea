import {
  formatDate,
  parseAuthorization,
  parseDate,
  SECURITY_TOKEN_HEADER,
  type SignedRequest,
  verifySignature,
} from "@stagemq/wire";
import type { Credentials, DeclaredKey } from "../access/credentials.ts";
import { type DurationMs, describeDuration, type EpochMs, MINUTE } from "../domain/time.ts";
import { Refusal } from "./refusal.ts";

export interface AuthenticateOptions {
  /** How far a request's Date may be from the wall clock; 0 is any. */
  readonly clockSkew: DurationMs;
  /** Whether a refused signature is answered with the text that was signed here (dev). */
  readonly signedTextInHint: boolean;
}

const MAX_QUOTED = 100;

/** Names the caller: the access key id of a request whose date and signature hold. Refuses others. */
export function authenticate(
  request: SignedRequest,
  credentials: Credentials,
  wall: EpochMs,
  options: AuthenticateOptions,
): string {
  const { accessKeyId, signature } = readAuthorization(request);
  checkDate(request, wall, options.clockSkew);
  const standing = credentials.find(accessKeyId);
  if (standing.kind === "unknown") {
    const hint = `key id ${shorten(accessKeyId)} is not declared here (users: in stagemq.yaml).`;
    throw new Refusal("key-unknown", { hint });
  }
  if (standing.kind === "declared") checkSignature(request, standing, signature, options.signedTextInHint);
  return accessKeyId;
}

function readAuthorization(request: SignedRequest): { accessKeyId: string; signature: string } {
  const value = headerOf(request, "authorization");
  if (value === undefined) throw new Refusal("authorization-missing");
  const authorization = parseAuthorization(value);
  if (!authorization) throw new Refusal("authorization-unreadable", { hint: "MQ, a blank, key id, colon, signature." });
  return authorization;
}

function checkDate(request: SignedRequest, wall: EpochMs, allowed: DurationMs): void {
  const value = headerOf(request, "date");
  if (value === undefined) throw new Refusal("date-missing");
  const date = parseDate(value);
  if (date === undefined) {
    const hint = `${shorten(value)} should look like ${formatDate(wall)}.`;
    throw new Refusal("date-unreadable", { hint });
  }
  const apart = Math.abs(date - wall);
  if (allowed === 0 || apart <= allowed) return;
  throw new Refusal("date-too-far", {
    hint:
      `the request says ${clockFace(date, apart)}, this broker's clock ${clockFace(wall, apart)}: ` +
      `${describeDuration(Math.ceil(apart / MINUTE) * MINUTE)} apart, ${describeDuration(allowed)} are allowed. Set the client's clock.`,
  });
}

function checkSignature(request: SignedRequest, key: DeclaredKey, signature: string, showSigned: boolean): void {
  const { valid, signed } = verifySignature(request, key.secret, signature);
  if (!valid) {
    const causes =
      "usual causes: wrong secret; an endpoint with a path or a slash at the end; a proxy that rewrites the path.";
    throw new Refusal("signature-wrong", {
      hint: showSigned ? `${causes} This broker signed: ${signed}` : causes,
      signed,
    });
  }
  if (!key.acceptsToken(headerOf(request, SECURITY_TOKEN_HEADER))) {
    throw new Refusal("token-wrong", { hint: "this key needs its own security token." });
  }
}

/** The time of day, and the date where that alone would mislead. */
function clockFace(at: EpochMs, apart: DurationMs): string {
  const date = formatDate(at);
  return apart < 12 * 60 * MINUTE ? date.slice(-12) : date;
}

function headerOf({ headers }: SignedRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function shorten(text: string): string {
  return text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
}
