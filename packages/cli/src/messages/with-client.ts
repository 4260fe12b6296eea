import { Client } from "@stagemq/client";
import type { Host } from "../host.ts";
import { describeFailure } from "./describe-failure.ts";
import { type PlaceFlags, toPlace } from "./place.ts";

/** Does something with a client, and closes it. What fails is told in a sentence; resolves to the exit code. */
export async function withClient(
  flags: PlaceFlags,
  host: Host,
  work: (client: Client) => Promise<number>,
): Promise<number> {
  try {
    const { credentials, ...place } = toPlace(flags, host.environment);
    const client = new Client({ ...place, credentials: () => credentials });
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  } catch (error) {
    const failure = describeFailure(error);
    if (failure === undefined) throw error;
    host.tell(`${failure.sentence}\n`);
    return failure.exitCode;
  }
}
