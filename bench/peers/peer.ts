import type { ServerProcess } from "../run/server-process.ts";

/** A broker, or something to hold brokers against, that the suite starts and measures. */
export interface Peer {
  /** As in `--peers`, and the name of its driver in `load/drivers/`. */
  readonly name: PeerName;
  readonly title: string;
  /** When it answers a publish. */
  readonly durability: string;
  /** What is missing here, and what to do about it. */
  missing(): string | undefined;
  /** On loopback, in an empty directory. */
  start(directory: string): Promise<StartedPeer>;
}

export interface StartedPeer {
  readonly server: ServerProcess;
  readonly port: number;
  /** What has to be ended besides the server. */
  readonly helpers?: readonly ServerProcess[];
}

export type PeerName = "stagemq" | "node-http" | "redis" | "rabbitmq" | "nats" | "postgresql" | "beanstalkd" | "bullmq";

const HOW = "sh bench/install-peers.sh --yes";

/** The sentence that helps when a program is not there. */
export function unlessThere(program: string | undefined, name: string): string | undefined {
  return program === undefined ? `${name} is not installed: ${HOW}` : undefined;
}
