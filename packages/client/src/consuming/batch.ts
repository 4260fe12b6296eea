import type { CallOptions } from "../client-options.ts";
import type { ReceivedMessage } from "../messages/received-message.ts";

/** What one receive brought. */
export interface Batch<T = string> extends Iterable<ReceivedMessage<T>> {
  /** In the order in which the broker gave them; none where nothing was there. */
  readonly messages: readonly ReceivedMessage<T>[];
  /** By which the broker knows the request. */
  readonly requestId: string | undefined;
  /** Acknowledges these of its messages, or all of them. @throws as `Consumer.acknowledge` */
  acknowledge(messages?: readonly ReceivedMessage<T>[], options?: CallOptions): Promise<void>;
}
