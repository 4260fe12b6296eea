import { DEFAULT_MAX_BATCH_BYTES, DEFAULT_MAX_DELAY } from "../domain/limits.ts";
import { MIB } from "../domain/size.ts";
import { HOUR, MINUTE, SECOND } from "../domain/time.ts";
import { DEFAULT_ORDERED_QUEUES, MAX_QUEUES } from "../domain/topic.ts";
import {
  address,
  duration,
  instanceName,
  oneOf,
  size,
  text,
  type ValueType,
  wholeNumber,
  yesOrNo,
} from "./value-type.ts";

export type Command = "dev" | "serve";
export type Place = "flag" | "environment" | "file";

/** One thing that can be set. Its flag, variable and key follow from its name in the table. */
export interface Option<T = unknown, Default = T> {
  readonly type: ValueType<T>;
  readonly default: Readonly<Record<Command, Default>>;
  /** How the page writes a default that is no plain value. */
  readonly defaultInWords?: string;
  readonly places: readonly Place[];
  /** What `--help` shows: what follows the flag, and a whole command. */
  readonly argument?: string;
  readonly example?: string;
  /** TIM-3: `--fast` divides it. */
  readonly hastened?: true;
  /** `serve` refuses it. */
  readonly devOnly?: true;
  readonly sentence: string;
}

const EVERYWHERE: readonly Place[] = ["flag", "environment", "file"];
const NOT_A_FLAG: readonly Place[] = ["environment", "file"];

/** Both commands have the same default. */
function both<T>(value: T): Readonly<Record<Command, T>> {
  return { dev: value, serve: value };
}

function option<T, Default>(line: Option<T, Default>): Option<T, Default> {
  return line;
}

/** Every option there is. Flags, file, environment, help and the generated page all come from here. */
export const OPTIONS = {
  http: option({
    type: address,
    default: both({ host: "127.0.0.1", port: 4_876 }),
    places: EVERYWHERE,
    argument: "HOST:PORT",
    example: "--http 127.0.0.1:0",
    sentence: "Where to listen for messages; port 0 picks a free one.",
  }),
  data: option({
    type: text,
    default: both(undefined),
    defaultInWords: "./.stagemq",
    places: EVERYWHERE,
    argument: "DIR",
    example: "--data /var/lib/stagemq",
    sentence: "The directory that keeps the messages; made if absent.",
  }),
  config: option({
    type: text,
    default: both(undefined),
    defaultInWords: "stagemq.yaml if there",
    places: ["flag", "environment"],
    argument: "FILE",
    example: "--config shop.yaml",
    sentence: "The file with keys, topics, groups and settings.",
  }),
  ephemeral: option({
    type: yesOrNo,
    default: both(false),
    places: EVERYWHERE,
    example: "--ephemeral",
    sentence:
      "Keeps messages in memory only: the end of the process forgets everything, and the oldest go above retentionBytes.",
  }),
  reset: option({
    type: yesOrNo,
    default: both(false),
    places: ["flag"],
    example: "--reset",
    devOnly: true,
    sentence: "Deletes all data first, after asking; only dev does that.",
  }),
  yes: option({
    type: yesOrNo,
    default: both(false),
    places: ["flag"],
    example: "--reset --yes",
    devOnly: true,
    sentence: "Does not ask before deleting.",
  }),
  durability: option({
    type: oneOf("sync", "relaxed"),
    default: both("sync" as const),
    places: EVERYWHERE,
    argument: "sync|relaxed",
    example: "--durability relaxed",
    sentence:
      "relaxed answers before the disk has it and syncs every 100 ms: a crash may lose that much of what was confirmed.",
  }),
  fast: option({
    type: yesOrNo,
    default: both(false),
    places: EVERYWHERE,
    example: "--fast",
    sentence: "Divides invisible times, immunity, check interval and the day of checks by 100, none below 1 s.",
  }),
  clock: option({
    type: oneOf("system", "simulated"),
    default: both("system" as const),
    places: EVERYWHERE,
    argument: "system|simulated",
    example: "--clock simulated",
    devOnly: true,
    sentence:
      "simulated stands still until it is advanced over a test interface on a loopback port of its own; only dev has it.",
  }),
  readyJson: option({
    type: yesOrNo,
    default: both(false),
    places: ["flag", "environment"],
    example: "--ready-json",
    sentence: "Writes one JSON line to standard output when it serves, then nothing more.",
  }),
  logLevel: option({
    type: oneOf("debug", "info", "warn", "error"),
    default: both("info" as const),
    places: EVERYWHERE,
    argument: "LEVEL",
    example: "--log-level debug",
    sentence: "The least important lines to log: debug, info, warn or error.",
  }),
  defaultInstance: option({
    type: instanceName,
    default: { dev: "MQ_INST_dev", serve: undefined },
    defaultInWords: "dev: MQ_INST_dev; serve: the instance that the file declares, if it is just one",
    places: NOT_A_FLAG,
    sentence: "The instance of requests that name none (INS-1).",
  }),
  typeCheck: option({
    type: oneOf("enforce", "warn", "off"),
    default: { dev: "warn" as const, serve: "enforce" as const },
    places: NOT_A_FLAG,
    sentence:
      "Whether a message that does not fit its topic's kind is refused, let through and logged, or let through (PUB-2).",
  }),
  invisibleFor: option({
    type: duration(SECOND),
    default: both(5 * MINUTE),
    places: NOT_A_FLAG,
    hastened: true,
    sentence: "How long a delivery hides its message from its group; a group may have its own (DEL-3).",
  }),
  orderedInvisibleFor: option({
    type: duration(SECOND),
    default: both(MINUTE),
    places: NOT_A_FLAG,
    hastened: true,
    sentence: "The same for ordered polls; a group may have its own (DEL-3).",
  }),
  halfInvisibleFor: option({
    type: duration(SECOND),
    default: both(10 * SECOND),
    places: NOT_A_FLAG,
    hastened: true,
    sentence: "How long the handle of a back-check is good, and so how often is asked (TX-3).",
  }),
  checkFor: option({
    type: duration(SECOND),
    default: both(24 * HOUR),
    places: NOT_A_FLAG,
    hastened: true,
    sentence: "How long after its first check a half message is asked about before it is abandoned (TX-6).",
  }),
  maxRetries: option({
    type: wholeNumber(0, 100_000),
    default: both(288),
    places: NOT_A_FLAG,
    sentence: "Deliveries after the first before a message is dead-lettered; a group may have its own (DEL-9).",
  }),
  onExhausted: option({
    type: oneOf("dead-letter", "block"),
    default: both("dead-letter" as const),
    places: NOT_A_FLAG,
    sentence: "What becomes of a message without retries left; a group may have its own (ORD-6).",
  }),
  from: option({
    type: oneOf("earliest", "latest"),
    default: both(undefined),
    defaultInWords: "earliest for a group made by its first poll, latest for a declared one",
    places: NOT_A_FLAG,
    sentence: "Where a group starts on a topic; a group may have its own (DEL-11).",
  }),
  maxBatchBytes: option({
    type: size(1),
    default: both(DEFAULT_MAX_BATCH_BYTES),
    places: NOT_A_FLAG,
    sentence: "Bodies that one answer to a poll may carry; always one message (DEL-7).",
  }),
  giveBacksBeforeDelivery: option({
    type: wholeNumber(1, 1_000),
    default: both(5),
    places: NOT_A_FLAG,
    sentence:
      "When the client hangs up this many times in a row on one message, the last stands as a delivery (DEL-8).",
  }),
  newShare: option({
    type: wholeNumber(0, 4),
    default: both(1),
    places: NOT_A_FLAG,
    sentence: "Of four places in a row at least this many go to new messages while retries are ready too (DEL-12).",
  }),
  maxOutstanding: option({
    type: wholeNumber(1, 100_000_000),
    default: both(1_000_000),
    places: NOT_A_FLAG,
    sentence:
      "Unacknowledged deliveries of one group on one topic above which it gets only what is due again (DEL-15).",
  }),
  filterMemory: option({
    type: duration(SECOND),
    default: both(5 * MINUTE),
    places: NOT_A_FLAG,
    sentence:
      "How long the filters of a group's polls are remembered, so that one does not pass over what another wants (TAG-2).",
  }),
  orderedQueues: option({
    type: wholeNumber(1, MAX_QUEUES),
    default: both(DEFAULT_ORDERED_QUEUES),
    places: NOT_A_FLAG,
    sentence: "Message queues of an ordered topic that does not say how many (ORD-1).",
  }),
  maxDelay: option({
    type: duration(SECOND),
    default: both(DEFAULT_MAX_DELAY),
    places: NOT_A_FLAG,
    sentence: "How far ahead a delivery time may be (DLY-3).",
  }),
  retentionAge: option({
    type: duration(MINUTE),
    default: both(72 * HOUR),
    places: NOT_A_FLAG,
    sentence:
      "How long messages are kept, consumed or not, counted from when each became visible; --fast does not shorten it (RET-1).",
  }),
  retentionBytes: option({
    type: size(64 * MIB),
    default: both(undefined),
    defaultInWords: "no limit but the disk; 1GiB where messages are kept in memory only",
    places: NOT_A_FLAG,
    sentence: "Above this size of all messages the oldest are dropped, consumed or not (RET-1).",
  }),
  clockStep: option({
    type: duration(SECOND),
    default: both(10 * MINUTE),
    places: NOT_A_FLAG,
    sentence: "A step of this machine's clock by more than this is logged, and dropping by age rests (TIM-2).",
  }),
  ageRestsFor: option({
    type: duration(0),
    default: both(HOUR),
    places: NOT_A_FLAG,
    sentence: "How long after such a step nothing is dropped for its age and no half message is abandoned (TIM-2).",
  }),
  clockSkew: option({
    type: duration(SECOND),
    default: both(15 * MINUTE),
    places: NOT_A_FLAG,
    sentence: "How far a request's date may be from this machine's clock, before or after.",
  }),
  sharedReadBytes: option({
    type: size(25 * MIB),
    default: both(256 * MIB),
    places: NOT_A_FLAG,
    sentence: "Memory that all requests being read share; above it new bodies wait in the socket (REQ-2).",
  }),
  reserveBytes: option({
    type: size(8 * MIB),
    default: both(64 * MIB),
    places: NOT_A_FLAG,
    sentence:
      "Disk space kept in the data directory and given back when the disk is full, so that consuming goes on (DUR-3).",
  }),
  minFreeBytes: option({
    type: size(8 * MIB),
    default: both(64 * MIB),
    places: NOT_A_FLAG,
    sentence: "Publishes are refused while less than this is free beside the reserve (DUR-3).",
  }),
};

export type OptionName = keyof typeof OPTIONS;

/** What each option is once it has been read, or left at its default. */
export type OptionValues = {
  readonly [Name in OptionName]: (typeof OPTIONS)[Name] extends Option<infer T, infer Default> ? T | Default : never;
};

export const OPTION_NAMES = Object.keys(OPTIONS) as OptionName[];

/** The names of what may stand in one place. */
export function optionsIn(place: Place): readonly OptionName[] {
  return OPTION_NAMES.filter((name) => OPTIONS[name].places.includes(place));
}

/** `logLevel` is `--log-level`. */
export function flagOf(name: OptionName): string {
  return `--${name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)}`;
}

/** `logLevel` is `STAGEMQ_LOG_LEVEL`. */
export function variableOf(name: OptionName): string {
  return `STAGEMQ_${name.replace(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase()}`;
}

/** One flag as a command-line parser wants it. */
export interface Flag {
  readonly name: OptionName;
  /** `--http`. */
  readonly flag: string;
  /** `HOST:PORT`; absent where the flag alone says yes. */
  readonly argument: string | undefined;
  readonly example: string;
  readonly sentence: string;
  readonly devOnly: boolean;
  /** As it would be written; absent where the default is no. */
  readonly default: string | undefined;
}

/** Every flag, in the order in which help shows them. */
export const FLAGS: readonly Flag[] = optionsIn("flag").map((name) => {
  const line: Option = OPTIONS[name];
  const argument = line.argument;
  return {
    name,
    flag: flagOf(name),
    argument,
    example: line.example ?? flagOf(name),
    sentence: line.sentence,
    devOnly: line.devOnly ?? false,
    default: argument === undefined ? undefined : writeDefault(line),
  };
});

/** The default as a person would write it. */
export function writeDefault(line: Option): string | undefined {
  if (line.defaultInWords !== undefined) return line.defaultInWords;
  const { dev, serve } = line.default;
  if (dev === undefined) return undefined;
  const [inDev, inServe] = [line.type.write(dev), line.type.write(serve)];
  return inDev === inServe ? inDev : `dev: ${inDev}; serve: ${inServe}`;
}
