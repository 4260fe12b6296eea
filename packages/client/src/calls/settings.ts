import type { Credentials } from "../credentials.ts";
import type { Logger } from "../logger.ts";
import type { TlsOptions } from "../transport/route.ts";
import type { World } from "../world.ts";

/** How often and after what pauses a call is tried again, where that is safe. */
export interface RetryPolicy {
  /** The first try counts; 1 is no retry. */
  readonly attempts: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
}

/** The options of a client, read and checked. */
export interface Settings {
  readonly endpoint: URL;
  /** Between here and there. */
  readonly proxy: URL | undefined;
  readonly credentials: () => Credentials | Promise<Credentials>;
  readonly instance: string | undefined;
  readonly maxConnections: number;
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  readonly logger: Logger;
  readonly world: World;
  readonly tls: TlsOptions;
}
