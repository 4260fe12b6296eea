import type { Credentials } from "@stagemq/client";
import type { Host } from "../host.ts";
import { UsageMistake } from "../usage-mistake.ts";

/** Where a command finds its broker, as the command line says it. */
export interface PlaceFlags {
  readonly endpoint?: string;
  readonly accessKeyId?: string;
  readonly accessKeySecret?: string;
  readonly securityToken?: string;
  readonly instance?: string;
}

export interface Place {
  readonly endpoint: string;
  readonly credentials: Credentials;
  readonly instanceId: string | undefined;
}

/** Where `stagemq dev` is found, and what it lets in. */
const LOCAL_ENDPOINT = "http://127.0.0.1:4876";
const DEV_KEY: Credentials = { accessKeyId: "dev", accessKeySecret: "dev-secret" };

/** Flags before environment before what a broker for development has. */
export function toPlace(flags: PlaceFlags, environment: Host["environment"]): Place {
  return {
    endpoint: flags.endpoint ?? (environment.STAGEMQ_ENDPOINT || LOCAL_ENDPOINT),
    credentials: toCredentials(flags, environment),
    instanceId: flags.instance,
  };
}

function toCredentials(flags: PlaceFlags, environment: Host["environment"]): Credentials {
  const accessKeyId = flags.accessKeyId ?? environment.ALIBABA_CLOUD_ACCESS_KEY_ID;
  const accessKeySecret = flags.accessKeySecret ?? environment.ALIBABA_CLOUD_ACCESS_KEY_SECRET;
  // The token in the environment belongs to the key there.
  const itsToken = flags.accessKeyId === undefined ? environment.ALIBABA_CLOUD_SECURITY_TOKEN : undefined;
  const securityToken = flags.securityToken ?? (itsToken || undefined);
  if (accessKeyId && accessKeySecret) return { accessKeyId, accessKeySecret, securityToken };
  if (!accessKeyId && !accessKeySecret) return DEV_KEY;
  throw new UsageMistake(
    accessKeyId
      ? "The access key has no secret: give --access-key-secret, or set ALIBABA_CLOUD_ACCESS_KEY_SECRET."
      : "The secret has no access key: give --access-key-id, or set ALIBABA_CLOUD_ACCESS_KEY_ID.",
  );
}
