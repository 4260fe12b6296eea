import type { Broker, Config } from "@stagemq/broker";

export interface Serving {
  readonly config: Config;
  readonly broker: Broker;
  readonly version: string;
  readonly pid: number;
}

/** The one line of `--ready-json`. */
export function formatReadyLine(serving: Serving): string {
  const { devKey } = serving.config;
  const { http, ...others } = readyFacts(serving);
  const key = devKey === undefined ? {} : { accessKeyId: devKey.id, accessKeySecret: devKey.secret };
  return `${JSON.stringify({ event: "ready", http, ...key, ...others })}\n`;
}

/** What is true once the broker serves; no secret, since the log tells it too (RUN-3). */
export function readyFacts({ config, broker, version, pid }: Serving) {
  return {
    http: broker.http[0] ?? "",
    instance: config.defaultInstance,
    ...(config.dataDirectory === undefined ? {} : { dataDirectory: config.dataDirectory }),
    pid,
    version,
    ...(broker.test === undefined ? {} : { test: broker.test }),
    ...(config.fast ? { fast: true } : {}),
    // PUB-1.3: what is weaker is shown wherever the facts are.
    ...(config.durability === "relaxed" && config.dataDirectory !== undefined ? { durability: "relaxed" } : {}),
  };
}
