import type { TestBroker } from "@stagemq/broker/testing";
import { Client, type ClientOptions } from "../src/index.ts";

/** A client of a broker that runs in this process. */
export function clientOf({ endpoint, credentials }: TestBroker, options: ClientOptions = {}): Client {
  return new Client({ endpoint, ...credentials, ...options });
}
