import { dirname, resolve } from "node:path";
import { formatAddress } from "../domain/address.ts";
import type { GroupDeclaration } from "../domain/consumer-group.ts";
import { nearestName } from "../domain/nearest-name.ts";
import { GIB } from "../domain/size.ts";
import { type DurationMs, hasten } from "../domain/time.ts";
import type { Config, DeclaredKey, Warning } from "./config.ts";
import type { ConfigFile } from "./config-file.ts";
import { type Command, OPTION_NAMES, OPTIONS, type OptionName, type OptionValues, variableOf } from "./options.ts";

export interface ConfigInput {
  readonly command: Command;
  /** As the command line has them, by the option's name. */
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where the process was started. */
  readonly directory: string;
}

/** What was asked for, and where; the first place wins. */
export interface Asked {
  readonly flags: Partial<OptionValues>;
  readonly environment: Partial<OptionValues>;
  readonly file: Partial<OptionValues>;
}

export interface ReadFile extends ConfigFile {
  readonly name: string;
  readonly path: string;
}

/** All that has been read, before it is put together. */
export interface Material {
  readonly input: ConfigInput;
  readonly asked: Asked;
  /** Of all places, or the default. */
  readonly values: OptionValues;
  readonly file: ReadFile | undefined;
}

const DEV_KEY: DeclaredKey = { id: "dev", secret: "dev-secret" };
const DEFAULT_DATA = ".stagemq";
const DEFAULT_SERVE_INSTANCE = "MQ_INST_default";
/** What people know best, and so the times that tell them what `fast` has done. */
const TOLD_WHEN_HASTENED = ["invisibleFor", "orderedInvisibleFor", "checkFor"] as const;

/** What is right by itself and wrong together. */
export function findContradictions(material: Material): string[] {
  const { input, asked, values, file } = material;
  const inServe = input.command === "serve";
  const needsKey = inServe && isBeyondLoopback(values.http.host) && (file?.mistakes.length ?? 0) === 0;
  const at = formatAddress(values.http);
  const rules: [broken: boolean, sentence: string][] = [
    [
      asked.flags.ephemeral === true && asked.flags.data !== undefined,
      "--ephemeral keeps nothing: leave it out, or leave out --data.",
    ],
    [
      inServe && values.reset,
      "--reset is for dev only. To wipe the data of serve, stop it and run: stagemq dev --data DIR --reset.",
    ],
    [
      !inServe && values.reset && directoryOf(material) === undefined,
      "--reset has nothing to delete: nothing is kept here without --data DIR.",
    ],
    [
      // TIM-4
      inServe && values.clock === "simulated",
      "--clock simulated is for dev only: serve runs on the system's clock.",
    ],
    [
      needsKey && (file?.keys ?? []).length === 0,
      `serve on ${at} needs a declared access key (users: in ${file?.name ?? "stagemq.yaml"}).`,
    ],
  ];
  return rules.filter(([broken]) => broken).map(([, sentence]) => sentence);
}

/** Unless told otherwise. A disk that is full refuses publishes; memory that is full ends the process. */
const MAX_BYTES_IN_MEMORY = GIB;

/** Puts everything together. There are no mistakes in it any more. */
export function toConfig(material: Material): Config {
  const { input, asked, values, file } = material;
  const { config: _config, data: _data, ephemeral: _ephemeral, ...settings } = values;
  const isDev = input.command === "dev";
  const beyondLoopback = isBeyondLoopback(values.http.host);
  const dataDirectory = directoryOf(material);
  const defaultInstance = values.defaultInstance ?? onlyOf(file?.instances) ?? DEFAULT_SERVE_INSTANCE;
  return {
    ...settings,
    ...(values.fast ? hastenAll(values) : {}),
    command: input.command,
    file: file?.path,
    alsoIpv6Loopback: isDev && Object.values(asked).every(({ http }) => http === undefined),
    beyondLoopback,
    dataDirectory,
    retentionBytes: values.retentionBytes ?? (dataDirectory === undefined ? MAX_BYTES_IN_MEMORY : undefined),
    messageLogLevel: isDev ? "info" : "debug",
    ...keysOf(input.command, file?.keys ?? []),
    // REQ-1
    undeclaredKeys: isDev && !beyondLoopback ? "let-in" : "refuse",
    defaultInstance,
    makeByUse: isDev,
    declarations: {
      instances: instancesOf(material, defaultInstance),
      topics: file?.topics ?? [],
      groups: (file?.groups ?? []).map((group) => (values.fast ? hastenGroup(group) : group)),
    },
    hastened: values.fast ? TOLD_WHEN_HASTENED.map((name) => ({ from: values[name], to: hasten(values[name]) })) : [],
    warnings: warningsOf(material),
  };
}

/** TIM-4: a simulated clock keeps nothing unless a directory is asked for. */
function directoryOf({ input, asked, values, file }: Material): string | undefined {
  if (values.ephemeral && rankOf(asked, "ephemeral") <= rankOf(asked, "data")) return undefined;
  const onCommandLine = asked.flags.data ?? asked.environment.data;
  if (onCommandLine !== undefined) return resolve(input.directory, onCommandLine);
  if (file?.options.data !== undefined) return resolve(dirname(file.path), file.options.data);
  return values.clock === "simulated" ? undefined : resolve(input.directory, DEFAULT_DATA);
}

/** 0 for a flag, then environment, file and default. */
function rankOf({ flags, environment, file }: Asked, name: OptionName): number {
  const rank = [flags, environment, file].findIndex((place) => place[name] !== undefined);
  return rank === -1 ? 3 : rank;
}

function keysOf(command: Command, declared: readonly DeclaredKey[]): Pick<Config, "keys" | "devKey"> {
  const isTaken = declared.some(({ id }) => id === DEV_KEY.id);
  if (command === "serve" || isTaken) return { keys: declared, devKey: undefined };
  return { keys: [DEV_KEY, ...declared], devKey: DEV_KEY };
}

/** The default instance counts as declared where somebody named it, and in dev, where it always exists. */
function instancesOf({ input, asked, file }: Material, defaultInstance: string): readonly string[] {
  const isNamed = input.command === "dev" || rankOf(asked, "defaultInstance") < 3;
  return [...new Set([...(isNamed ? [defaultInstance] : []), ...(file?.instances ?? [])])];
}

function hastenAll(values: OptionValues): Partial<OptionValues> {
  const names = OPTION_NAMES.filter((name) => "hastened" in OPTIONS[name]);
  return Object.fromEntries(names.map((name) => [name, hasten(values[name] as DurationMs)]));
}

function hastenGroup({ ref, settings }: GroupDeclaration): GroupDeclaration {
  const { invisibleFor, orderedInvisibleFor } = settings;
  return {
    ref,
    settings: {
      ...settings,
      ...(invisibleFor === undefined ? {} : { invisibleFor: hasten(invisibleFor) }),
      ...(orderedInvisibleFor === undefined ? {} : { orderedInvisibleFor: hasten(orderedInvisibleFor) }),
    },
  };
}

function isBeyondLoopback(host: string): boolean {
  return host !== "localhost" && host !== "::1" && !/^127(\.\d{1,3}){3}$/.test(host);
}

function onlyOf<T>(items: readonly T[] = []): T | undefined {
  return items.length === 1 ? items[0] : undefined;
}

function warningsOf({ input, values, file }: Material): Warning[] {
  const warnings = (file?.warnings ?? []).map((sentence) => ({ event: "config.literal-secret", sentence }));
  const at = formatAddress(values.http);
  if (input.command === "dev" && isBeyondLoopback(values.http.host)) {
    const sentence = `Listening beyond this machine (${at}): everybody who reaches the port may use it with a declared key, and dev/dev-secret is known to all. Unknown key ids are refused.`;
    warnings.push({ event: "http.beyond-loopback", sentence });
  }
  if (input.command === "serve" && (file?.keys ?? []).length === 0) {
    const sentence = "No access key is declared: every request is refused (users: in stagemq.yaml).";
    warnings.push({ event: "access.no-key", sentence });
  }
  return [...warnings, ...misspelledVariables(input.environment)];
}

/** Other variables may begin with STAGEMQ_ too, so only a near miss is worth a word. */
function misspelledVariables(environment: ConfigInput["environment"]): Warning[] {
  const prefix = "STAGEMQ_";
  const known = OPTION_NAMES.map((name) => variableOf(name).slice(prefix.length));
  const given = Object.keys(environment)
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length));
  return given.flatMap((name) => {
    const meant = known.includes(name) ? undefined : nearestName(name, known);
    if (meant === undefined) return [];
    const sentence = `${prefix}${name} is no setting and was ignored. Did you mean ${prefix}${meant}?`;
    return [{ event: "config.unknown-variable", sentence }];
  });
}
