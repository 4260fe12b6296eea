import { Client } from "@stagemq/client";

/** The broker of `npm start`, or the one that STAGEMQ_ENDPOINT names. */
export function connect(): Client {
  return new Client({
    endpoint: process.env.STAGEMQ_ENDPOINT ?? "http://127.0.0.1:4876",
    accessKeyId: "dev",
    accessKeySecret: "dev-secret",
  });
}
