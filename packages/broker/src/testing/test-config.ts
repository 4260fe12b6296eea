import type { Config, DeclaredKey } from "../config/config.ts";
import { OPTION_NAMES, OPTIONS, type OptionName, type OptionValues } from "../config/options.ts";
import { toConfig } from "../config/to-config.ts";
import { type ValueType, wholeNumber } from "../config/value-type.ts";
import { nearestName } from "../domain/nearest-name.ts";
import { MAX_QUEUES, TOPIC_KINDS, type TopicDeclaration, type TopicKind } from "../domain/topic.ts";
import type { Duration } from "./durations.ts";

/** A topic that is there from the beginning. */
export interface TopicOptions {
  /** Absent: normal. */
  readonly kind?: TopicKind;
  /** Message queues of an ordered topic, 1 to 1,024; 1 is globally ordered. Absent: 8. */
  readonly queues?: number;
}

/** A consumer group that is there from the beginning. What is absent is the broker's. */
export interface GroupOptions {
  /** How long a delivery hides its message: 1 s or more. */
  readonly invisibleFor?: Duration;
  /** The same for ordered polls. */
  readonly orderedInvisibleFor?: Duration;
  /** Deliveries after the first before a message is dead-lettered. */
  readonly maxRetries?: number;
  readonly from?: "earliest" | "latest";
  readonly onExhausted?: "dead-letter" | "block";
}

/** Settings of the whole broker, spelled and bounded as in its file. What is absent is the default of `stagemq dev`. */
export interface BrokerSettings extends GroupOptions {
  /** How often a producer is asked about a half message: 1 s or more; absent: 10 s. */
  readonly halfInvisibleFor?: Duration;
  /** How long it is asked; absent: 24 h. */
  readonly checkFor?: Duration;
  /** Absent: warn. `enforce` refuses messages that do not fit their topic's kind, as `serve` does. */
  readonly typeCheck?: "enforce" | "warn" | "off";
  /** Message queues of ordered topics that do not say how many; absent: 8. */
  readonly orderedQueues?: number;
  /** How far ahead a delivery time may be; absent: 40 d. */
  readonly maxDelay?: Duration;
  /** Bodies that one answer to a poll may carry, in bytes; absent: 4 MiB. */
  readonly maxBatchBytes?: number;
  /** How long messages are kept; absent: 72 h. */
  readonly retentionAge?: Duration;
  /** Whether topics and groups are made by their first use; absent: yes. `false` refuses what is not declared, as `serve` does. */
  readonly makeByUse?: boolean;
}

export interface TestConfigInput {
  readonly clock: "simulated" | "system";
  readonly instance: string;
  readonly key: DeclaredKey;
  readonly topics: Readonly<Record<string, TopicOptions | TopicKind>>;
  readonly groups: Readonly<Record<string, GroupOptions>>;
  readonly settings: BrokerSettings;
}

const GROUP_SETTINGS = ["invisibleFor", "orderedInvisibleFor", "maxRetries", "from", "onExhausted"] as const;
const BROKER_SETTINGS = [
  ...GROUP_SETTINGS,
  "halfInvisibleFor",
  "checkFor",
  "typeCheck",
  "orderedQueues",
  "maxDelay",
  "maxBatchBytes",
  "retentionAge",
] as const satisfies readonly OptionName[];

/** As `stagemq dev --ephemeral` would have it, without looking at files or variables. Throws a TypeError that names every mistake. */
export function toTestConfig({ clock, instance, key, topics, groups, settings }: TestConfigInput): Config {
  const mistakes: string[] = [];
  const { makeByUse = true, ...ofBroker } = settings;
  const own = readSettings("settings", ofBroker, BROKER_SETTINGS, mistakes);
  const asked: Partial<OptionValues> = {
    ...own,
    http: { host: "127.0.0.1", port: 0 },
    ephemeral: true,
    clock,
    defaultInstance: instance,
  };
  const declarations = {
    instances: [instance],
    topics: Object.entries(topics).map(([topic, options]) => readTopic({ instance, topic }, options, mistakes)),
    groups: Object.entries(groups).map(([group, options]) => ({
      ref: { instance, group },
      settings: readSettings(`groups.${group}`, options, GROUP_SETTINGS, mistakes),
    })),
  };
  if (mistakes.length > 0) throw new TypeError(mistakes.join("\n"));
  const defaults = Object.fromEntries(OPTION_NAMES.map((name) => [name, OPTIONS[name].default.dev]));
  const config = toConfig({
    input: { command: "dev", flags: {}, environment: {}, directory: "/" },
    asked: { flags: asked, environment: {}, file: {} },
    values: { ...(defaults as unknown as OptionValues), ...asked },
    file: undefined,
  });
  // A wrong key is a mistake that a test should find.
  return { ...config, declarations, keys: [key], devKey: undefined, undeclaredKeys: "refuse", makeByUse };
}

function readTopic(
  ref: TopicDeclaration["ref"],
  given: TopicOptions | TopicKind,
  mistakes: string[],
): TopicDeclaration {
  const { kind = "normal", queues } = typeof given === "string" ? { kind: given } : given;
  if (!TOPIC_KINDS.includes(kind)) {
    mistakes.push(`topics.${ref.topic}.kind is ${JSON.stringify(kind)}; it must be one of ${TOPIC_KINDS.join(", ")}.`);
  }
  if (queues === undefined) return { ref, kind };
  read(`topics.${ref.topic}.queues`, queues, wholeNumber(1, MAX_QUEUES), mistakes);
  return { ref, kind, queues };
}

function readSettings<Name extends OptionName>(
  where: string,
  given: object,
  names: readonly Name[],
  mistakes: string[],
): { [N in Name]?: OptionValues[N] & {} } {
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given) as [string, unknown][]) {
    if (value === undefined) continue;
    const known = names.find((one) => one === name);
    if (known === undefined) {
      const nearest = nearestName(name, names);
      mistakes.push(`${where}.${name} is no setting.${nearest === undefined ? "" : ` Did you mean ${nearest}?`}`);
    } else {
      values[name] = read(`${where}.${name}`, value, OPTIONS[known].type, mistakes);
    }
  }
  return values as { [N in Name]?: OptionValues[N] & {} };
}

/** As if it stood in a file; a bare number is milliseconds where a duration is asked for. */
function read(what: string, given: unknown, type: ValueType<unknown>, mistakes: string[]): unknown {
  const value = type.read(String(given)) ?? (typeof given === "number" ? type.read(`${given}ms`) : undefined);
  if (value === undefined) mistakes.push(`${what} is ${JSON.stringify(given)}; it must be ${type.mustBe}.`);
  return value;
}
