import type { Operation, SignedRequest } from "@stagemq/wire";

const MAX_KNOWN = 1_000;
const MAX_TARGET = 512;

/** What request targets asked for: clients send the same few over and over, and each is read once. */
export class KnownOperations {
  readonly #byMethod = new Map<string, Map<string, Operation>>();

  find({ method, target }: SignedRequest): Operation | undefined {
    return this.#byMethod.get(method)?.get(target);
  }

  /** Only of a caller who was let in: anybody else could fill it with what never comes again. */
  keep({ method, target }: SignedRequest, operation: Operation): void {
    if (target.length > MAX_TARGET) return;
    const known = this.#byMethod.get(method) ?? new Map<string, Operation>();
    if (known.size >= MAX_KNOWN) known.clear();
    this.#byMethod.set(method, known.set(target, operation));
  }
}
