import type { BrokerCommand } from "./run-broker.ts";

export const serve: BrokerCommand = {
  name: "serve",
  sentence: "Runs a broker for production: keys, topics and groups are declared in stagemq.yaml.",
  example: "stagemq serve --http 0.0.0.0:4876 --data /var/lib/stagemq",
};
