import type { BrokerCommand } from "./run-broker.ts";

export const dev: BrokerCommand = {
  name: "dev",
  sentence: "Runs a broker for development: topics and groups are made on first use.",
  example: "stagemq dev --http 127.0.0.1:0 --ephemeral",
};
