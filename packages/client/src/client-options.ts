import type { Credentials } from "./credentials.ts";
import type { Duration } from "./duration.ts";
import type { Logger } from "./logger.ts";

/** What a client is made with. What is left out comes from the environment or has a default; everything is checked at once. */
export interface ClientOptions {
  /** `http://host:port` or `https://host:port`, without a path. Default: `STAGEMQ_ENDPOINT`. */
  readonly endpoint?: string | undefined;
  /** Default: `ALIBABA_CLOUD_ACCESS_KEY_ID`. */
  readonly accessKeyId?: string | undefined;
  /** Default: `ALIBABA_CLOUD_ACCESS_KEY_SECRET`. */
  readonly accessKeySecret?: string | undefined;
  /** Of a temporary access key. Default: `ALIBABA_CLOUD_SECURITY_TOKEN`. */
  readonly securityToken?: string | undefined;
  /** Wins over the three above. Asked before every request, so that keys can change; it remembers them itself if asking is slow. */
  readonly credentials?: (() => Credentials | Promise<Credentials>) | undefined;
  /** The instance that topics and groups belong to. Absent: the endpoint's own. */
  readonly instanceId?: string | undefined;
  /**
   * How many connections there may be at once, at least 2; they are kept for the next call. Default 64. Receives that wait
   * take at most three quarters of them, so that they never keep a publish waiting.
   */
  readonly maxConnections?: number | undefined;
  /** How long one call may take, with all its tries. A receive that waits may take its wait longer. Default `"10s"`. */
  readonly timeout?: Duration | undefined;
  /** When calls are tried again. Only what cannot be done twice by it is; `false`: nothing is. */
  readonly retry?: RetryOptions | false | undefined;
  /** Who is told what no call can throw. Default: `console.warn`. */
  readonly logger?: Logger | undefined;
}

/** How often, and after what pauses, a call is tried again. Pauses double, and a part of each is chance. */
export interface RetryOptions {
  /** How often a call is tried, the first time included. Default 3. */
  readonly attempts?: number | undefined;
  /** Before the second try. Default `"100ms"`. */
  readonly baseDelay?: Duration | undefined;
  /** The longest pause. Default `"2s"`. */
  readonly maxDelay?: Duration | undefined;
}

/** What every call takes. */
export interface CallOptions {
  /** Ends the call: it rejects with the signal's reason. Whether the broker did what was asked is then unknown. */
  readonly signal?: AbortSignal | undefined;
  /** How long this call may take, instead of the client's `timeout`. */
  readonly timeout?: Duration | undefined;
}
