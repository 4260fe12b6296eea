import type { ReceivedMessage } from "../messages/received-message.ts";
import type { World } from "../world.ts";

const LONGEST_MS = 24 * 3_600_000;

/** For how long a delivered message is this consumer's, by the clock of this machine. */
export class Lease<T = unknown> {
  readonly message: ReceivedMessage<T>;
  /** By `world.now()`; undefined: not known. */
  readonly #endsAt: number | undefined;
  readonly #world: World;

  /**
   * `answeredAt` is when the broker answered, by its own clock. Only the difference of its two times is used: its clock may be
   * far from ours, in tests above all.
   */
  constructor(message: ReceivedMessage<T>, answeredAt: number | undefined, world: World) {
    this.message = message;
    this.#world = world;
    const length = message.nextConsumeAt.getTime() - (answeredAt ?? world.wall());
    this.#endsAt = length > 0 && length <= LONGEST_MS ? world.now() + length : undefined;
  }

  get isOver(): boolean {
    return this.#endsAt !== undefined && this.#world.now() >= this.#endsAt;
  }

  /** Calls when it is over, unless what is returned was called before. */
  whenOver(call: () => void): () => void {
    if (this.#endsAt === undefined) return () => undefined;
    return this.#world.schedule(call, Math.max(0, this.#endsAt - this.#world.now()));
  }
}
