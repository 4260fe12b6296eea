import type { TopicKind } from "../domain/topic.ts";
import { startTestedBroker } from "../main.ts";
import type { Log, LogLevel } from "../runtime/log.ts";
import { silentLog } from "./silent-log.ts";
import { TestBroker, type TestCredentials } from "./test-broker.ts";
import { type BrokerSettings, type GroupOptions, type TopicOptions, toTestConfig } from "./test-config.ts";

/** How a test broker is to be; everything may be left out. */
export interface TestBrokerOptions {
  /** `simulated` (the default) stands still until it is advanced; `system` runs by itself. */
  readonly clock?: "simulated" | "system";
  /** Declared: there from the beginning, and after a reset. By name; a kind alone will do. */
  readonly topics?: Readonly<Record<string, TopicOptions | TopicKind>>;
  /** Declared, by name. */
  readonly groups?: Readonly<Record<string, GroupOptions>>;
  readonly settings?: BrokerSettings;
  /** The instance of requests that name none; `MQ_INST_test` by default. */
  readonly instance?: string;
  /** The only key that is let in; a made-up one by default. */
  readonly credentials?: TestCredentials;
  /** Told of every log line; absent: nobody. */
  readonly log?: (line: TestLogLine) => void;
}

export interface TestLogLine {
  readonly level: LogLevel;
  /** Stable and dotted: `message.delivered`. */
  readonly event: string;
  readonly fields: Readonly<Record<string, string | number | boolean | undefined>>;
}

const CREDENTIALS: TestCredentials = { accessKeyId: "test", accessKeySecret: "test-secret" };

/**
 * Starts a broker in this process, on a loopback port of its own, in memory only. Any number may run side by side.
 * To be stopped at the end: with `await using`, or by `stop()`.
 *
 * Rejects with a TypeError that names every mistake in the options.
 */
export async function startTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const { clock = "simulated", instance = "MQ_INST_test", credentials = CREDENTIALS, log: tell } = options;
  const { topics = {}, groups = {}, settings = {} } = options;
  if (clock !== "simulated" && clock !== "system") {
    throw new TypeError(`clock is ${JSON.stringify(clock)}; it must be "simulated" or "system".`);
  }
  const key = { id: credentials.accessKeyId, secret: credentials.accessKeySecret };
  const config = toTestConfig({ clock, instance, key, topics, groups, settings });
  const { http, bench, stop } = await startTestedBroker(config, tell === undefined ? silentLog : logTo(tell));
  return new TestBroker({ endpoint: http[0] ?? "", instance, credentials, bench, stop });
}

function logTo(tell: (line: TestLogLine) => void): Log {
  return { isEnabled: () => true, write: (level, event, fields = {}) => tell({ level, event, fields }) };
}
