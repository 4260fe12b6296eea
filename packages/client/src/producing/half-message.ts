import type { CallOptions } from "../client-options.ts";
import type { Published } from "./producer.ts";

/** A message that is stored, and that no consumer sees until its transaction has ended. */
export interface HalfMessage extends Published {
  /** The transaction handle; valid until the first back-check falls due. */
  readonly handle: string;
  /** Consumers get it. @throws as `TransactionalProducer.commit` */
  commit(options?: CallOptions): Promise<void>;
  /** It is dropped. @throws as `TransactionalProducer.commit` */
  rollback(options?: CallOptions): Promise<void>;
  /** In `transaction`: neither commit nor roll back at its end. The back-check decides. */
  leaveUnknown(): void;
}
