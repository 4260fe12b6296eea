import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import type { TagFilter } from "../domain/tag-filter.ts";
import { NO_TAG, type TagHash, TagSet } from "./state/tag-set.ts";

const REMEMBERED = 4_096;

/** Tags as 64-bit hashes keyed with the journal's secret, so that nobody can make two collide on purpose. */
export class TagHasher {
  readonly #key: KeyObject;
  /** The tags of late: a topic mostly has few. */
  readonly #remembered = new Map<string, TagHash>();

  constructor(secret: Uint8Array) {
    this.#key = createSecretKey(secret);
  }

  get rememberedCount(): number {
    return this.#remembered.size;
  }

  hash(tag: string): TagHash {
    if (tag === "") return NO_TAG;
    const known = this.#remembered.get(tag);
    if (known !== undefined) return known;
    const digest = createHmac("sha1", this.#key).update("tag:").update(tag).digest();
    // The lowest bit is set, so that no tag looks like none.
    const hash = { high: digest.readUInt32BE(0), low: (digest.readUInt32BE(4) | 1) >>> 0 };
    if (this.#remembered.size >= REMEMBERED) this.#remembered.clear();
    this.#remembered.set(tag, hash);
    return hash;
  }

  /** What any of these filters wants; undefined for everything. */
  tagSetOf(...filters: readonly TagFilter[]): TagSet | undefined {
    const set = new TagSet();
    for (const { tags } of filters) {
      if (tags === undefined) return undefined;
      for (const tag of tags) set.add(this.hash(tag));
    }
    return set;
  }
}
