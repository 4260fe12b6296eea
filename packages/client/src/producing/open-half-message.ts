import type { CallOptions } from "../client-options.ts";
import type { HalfMessage } from "./half-message.ts";
import type { Published } from "./producer.ts";

/** Who can end a transaction. */
export interface Ender {
  commit(handle: string, options?: CallOptions): Promise<void>;
  rollback(handle: string, options?: CallOptions): Promise<void>;
}

export class OpenHalfMessage implements HalfMessage {
  readonly messageId: string;
  readonly bodyMd5: string;
  readonly requestId: string | undefined;
  readonly handle: string;
  readonly #ender: Ender;
  #isLeft = false;

  constructor({ messageId, bodyMd5, requestId }: Published, handle: string, ender: Ender) {
    this.messageId = messageId;
    this.bodyMd5 = bodyMd5;
    this.requestId = requestId;
    this.handle = handle;
    this.#ender = ender;
  }

  /** Somebody has ended it already, or wants it left to the back-check. */
  get isLeft(): boolean {
    return this.#isLeft;
  }

  async commit(options?: CallOptions): Promise<void> {
    this.#isLeft = true;
    await this.#ender.commit(this.handle, options);
  }

  async rollback(options?: CallOptions): Promise<void> {
    this.#isLeft = true;
    await this.#ender.rollback(this.handle, options);
  }

  leaveUnknown(): void {
    this.#isLeft = true;
  }
}
