import type { Settings } from "./calls/settings.ts";
import type { ClientOptions, RetryOptions } from "./client-options.ts";
import type { Credentials } from "./credentials.ts";
import { toMilliseconds } from "./duration.ts";
import { InvalidArgumentError } from "./errors/invalid-argument-error.ts";
import { checkInstanceName } from "./names.ts";
import { type Environment, findProxy } from "./transport/proxy.ts";
import type { TlsOptions } from "./transport/route.ts";
import { systemWorld, type World } from "./world.ts";

/** For tests of this package alone: options with another world and environment. */
export interface TestedClientOptions extends ClientOptions {
  readonly world?: World;
  readonly environment?: Environment;
  readonly tls?: TlsOptions;
}

const DEFAULT_MAX_CONNECTIONS = 64;
const DEFAULT_TIMEOUT = "10s";

/** Checks the options, and fills in what is missing from the environment. */
export function readOptions(options: TestedClientOptions): Settings {
  const { instanceId, world = systemWorld, environment = process.env, tls = {} } = options;
  if (instanceId !== undefined) checkInstanceName(instanceId);
  const endpoint = readEndpoint(options.endpoint ?? environment.STAGEMQ_ENDPOINT);
  return {
    endpoint,
    proxy: findProxy(endpoint, environment),
    credentials: options.credentials ?? fixedCredentials(options, environment),
    instance: instanceId,
    maxConnections: readCount(options.maxConnections ?? DEFAULT_MAX_CONNECTIONS, "maxConnections", 2),
    timeoutMs: toMilliseconds(options.timeout ?? DEFAULT_TIMEOUT, "timeout"),
    retry: readRetry(options.retry ?? {}),
    logger: options.logger ?? { warn: (message, details) => console.warn(message, ...(details ? [details] : [])) },
    world,
    tls,
  };
}

function readEndpoint(text: string | undefined): URL {
  if (!text) {
    throw new InvalidArgumentError(
      "There is no endpoint: give one, new Client({ endpoint }), or set STAGEMQ_ENDPOINT, to http://127.0.0.1:4876 for example.",
    );
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url !== undefined && url.pathname === "/" && !url.search && !url.hash && !url.username;
  if (isPlain && /^https?:$/.test(url.protocol)) return url;
  throw new InvalidArgumentError(
    `The endpoint ${JSON.stringify(text)} is not legal: http:// or https://, a host, and a port if need be; no path.`,
  );
}

/** All of them from one place: a key that was given must not go with the token of another. */
function fixedCredentials(given: ClientOptions, environment: Environment): () => Credentials {
  const { accessKeyId, accessKeySecret, securityToken } =
    given.accessKeyId === undefined
      ? {
          accessKeyId: environment.ALIBABA_CLOUD_ACCESS_KEY_ID,
          accessKeySecret: given.accessKeySecret ?? environment.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
          securityToken: given.securityToken ?? environment.ALIBABA_CLOUD_SECURITY_TOKEN,
        }
      : { ...given, accessKeySecret: given.accessKeySecret ?? environment.ALIBABA_CLOUD_ACCESS_KEY_SECRET };
  if (!accessKeyId || !accessKeySecret) {
    const [lacking, variable] = accessKeyId
      ? ["secret of an access key", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
      : ["access key", "ALIBABA_CLOUD_ACCESS_KEY_ID"];
    throw new InvalidArgumentError(
      `There is no ${lacking}: give accessKeyId and accessKeySecret, or credentials, or set ${variable}.`,
    );
  }
  const fixed = { accessKeyId, accessKeySecret, securityToken: securityToken || undefined };
  return () => fixed;
}

function readRetry(retry: RetryOptions | false): Settings["retry"] {
  const { attempts = 3, baseDelay = "100ms", maxDelay = "2s" } = retry === false ? { attempts: 1 } : retry;
  return {
    attempts: readCount(attempts, "retry.attempts", 1),
    baseDelayMs: toMilliseconds(baseDelay, "retry.baseDelay"),
    maxDelayMs: toMilliseconds(maxDelay, "retry.maxDelay"),
  };
}

/** Refuses what is no whole number, or out of bounds. */
export function readCount(count: number, what: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isInteger(count) && count >= least && count <= most) return count;
  const bound = most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `${least} to ${most}`;
  throw new InvalidArgumentError(`${what} is ${count}; it should be a whole number, ${bound}.`);
}
