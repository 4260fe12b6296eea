import { createHash, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import type { Log } from "../runtime/log.ts";

/** An access key as the operator declares it. */
export interface AccessKey {
  readonly id: string;
  readonly secret: string;
  /** When set, requests must carry it as their security token. */
  readonly token?: string;
}

/** What is known of the one who signed. `let-in` is nobody's key, accepted unchecked (REQ-1). */
export type Standing = DeclaredKey | { readonly kind: "let-in" } | { readonly kind: "unknown" };

export interface DeclaredKey {
  readonly kind: "declared";
  readonly secret: KeyObject;
  /** Whether the security token, if one is asked for, is the right one. */
  acceptsToken(token: string | undefined): boolean;
}

export interface CredentialsOptions {
  readonly keys: readonly AccessKey[];
  /** REQ-1: `let-in` is for dev on loopback only. */
  readonly undeclared: "let-in" | "refuse";
  readonly log: Log;
}

/** So many undeclared ids are remembered as said; a client that invents ids must not fill the memory. */
const MAX_IDS_SAID = 1_000;
const MAX_ID_IN_LOG = 100;

/** Who may knock: the declared access keys. Says who somebody is, never what they may do. */
export class Credentials {
  readonly #declared: ReadonlyMap<string, DeclaredKey>;
  readonly #undeclared: "let-in" | "refuse";
  readonly #log: Log;
  readonly #said = new Set<string>();

  constructor({ keys, undeclared, log }: CredentialsOptions) {
    this.#declared = new Map(keys.map((key) => [key.id, toDeclaredKey(key)]));
    this.#undeclared = undeclared;
    this.#log = log;
  }

  find(id: string): Standing {
    const declared = this.#declared.get(id);
    if (declared) return declared;
    if (this.#undeclared === "refuse") return { kind: "unknown" };
    this.#sayOnce(id);
    return { kind: "let-in" };
  }

  #sayOnce(id: string): void {
    const shown = id.length > MAX_ID_IN_LOG ? `${id.slice(0, MAX_ID_IN_LOG)}…` : id;
    if (this.#said.has(shown) || this.#said.size >= MAX_IDS_SAID) return;
    this.#said.add(shown);
    this.#log.write("info", "access-key.let-in", {
      accessKeyId: shown,
      sentence: "nobody declared this key id: let in unchecked",
    });
  }
}

function toDeclaredKey({ secret, token }: AccessKey): DeclaredKey {
  const expected = token === undefined ? undefined : digest(token);
  return {
    kind: "declared",
    secret: createSecretKey(secret, "utf8"),
    acceptsToken: (given) =>
      expected === undefined || (given !== undefined && timingSafeEqual(expected, digest(given))),
  };
}

/** Of one length whatever the text, so that comparing tells nothing. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
