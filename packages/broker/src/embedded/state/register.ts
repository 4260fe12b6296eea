import type { Id } from "../journal/fact.ts";

/** Topics, or groups, by number and by name, in the order in which they came. */
export class Register<Entry extends { readonly id: Id }> {
  readonly #nameOf: (entry: Entry) => string;
  readonly #byId = new Map<Id, Entry>();
  readonly #byName = new Map<string, Entry>();

  constructor(nameOf: (entry: Entry) => string) {
    this.#nameOf = nameOf;
  }

  get(id: Id): Entry | undefined {
    return this.#byId.get(id);
  }

  named(name: string): Entry | undefined {
    return this.#byName.get(name);
  }

  all(): Iterable<Entry> {
    return this.#byId.values();
  }

  add(entry: Entry): void {
    this.#byId.set(entry.id, entry);
    this.#byName.set(this.#nameOf(entry), entry);
  }

  delete(id: Id): void {
    const entry = this.#byId.get(id);
    if (entry === undefined) return;
    this.#byId.delete(id);
    this.#byName.delete(this.#nameOf(entry));
  }

  /** Numbers are given in the order in which things come: so they stand as if they had come in it. */
  sort(): void {
    const entries = [...this.#byId.values()].sort((one, other) => one.id - other.id);
    this.#byId.clear();
    this.#byName.clear();
    for (const entry of entries) this.add(entry);
  }
}
