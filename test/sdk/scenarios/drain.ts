import { expect } from "vitest";
import type { Batch, Received, SdkClient, Subscription } from "../sdk.ts";

/** Receives and acknowledges until nothing more is there. */
export async function drain(
  client: SdkClient,
  subscription: Subscription,
  batch: Batch = { upTo: 16 },
): Promise<readonly Received[]> {
  const all: Received[] = [];
  for (;;) {
    const received = await client.consume(subscription, batch);
    if (received.length === 0) return all;
    all.push(...received);
    expect(await client.acknowledge(subscription, handlesOf(received))).toEqual([]);
  }
}

export function handlesOf(received: readonly Received[]): readonly string[] {
  return received.map(({ receiptHandle }) => receiptHandle);
}

export function bodiesOf(received: readonly Received[]): readonly string[] {
  return received.map(({ body }) => body);
}
