import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { z } from "zod";
import { BrokerError } from "../domain/broker-error.ts";
import type { GroupDeclaration } from "../domain/consumer-group.ts";
import { checkGroupName, checkInstanceName, checkTopicName, groupOfDeadLetterTopic } from "../domain/names.ts";
import { MAX_QUEUES, TOPIC_KINDS, type TopicDeclaration } from "../domain/topic.ts";
import type { DeclaredKey } from "./config.ts";
import { OPTIONS, type OptionName, type OptionValues, optionsIn } from "./options.ts";
import { didYouMean, oneOf, text, type ValueType, wholeNumber } from "./value-type.ts";

/** What a configuration file says. With mistakes in it, only these count. */
export interface ConfigFile {
  readonly options: Partial<OptionValues>;
  readonly keys: readonly DeclaredKey[];
  readonly instances: readonly string[];
  readonly topics: readonly TopicDeclaration[];
  readonly groups: readonly GroupDeclaration[];
  /** One line each: file, line, column, path, what was given and what would be right. */
  readonly mistakes: readonly string[];
  readonly warnings: readonly string[];
}

export interface ConfigFileSource {
  readonly path: string;
  /** As the operator calls it. */
  readonly name: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

type Path = readonly PropertyKey[];

/** Reads and checks the whole file. Throws only what reading from the disk throws. */
export function readConfigFile(source: ConfigFileSource): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(source.path, "utf8"), { lineCounter: lines, prettyErrors: false });
  const at = (offset: number, told: string) => {
    const { line, col } = lines.linePos(offset);
    return { offset, told: `${source.name}:${line}:${col} ${told}` };
  };
  const mistakeAt = (path: Path, mistake: Mistake) =>
    at(offsetOf(document, path, mistake.inKey), `${describePath(path)}: ${mistake.sentence}`);
  const toldInOrder = (found: readonly { offset: number; told: string }[]) =>
    found.toSorted((a, b) => a.offset - b.offset).map(({ told }) => told);

  if (document.errors.length > 0) {
    return { ...NOTHING, mistakes: toldInOrder(document.errors.map(({ pos, message }) => at(pos[0], message))) };
  }
  const content: unknown = document.toJS() ?? {};
  const parsed = fileSchema(source).safeParse(content);
  const mistakes = [
    ...(parsed.error?.issues ?? []).map((issue) => mistakeAt(issue.path, toMistake(issue))),
    ...findRepeated(content).map(({ path, sentence }) => mistakeAt(path, { sentence, inKey: false })),
  ];
  if (!parsed.success || mistakes.length > 0) return { ...NOTHING, mistakes: toldInOrder(mistakes) };
  const literals = findLiteralSecrets(parsed.data.users ?? []);
  return {
    ...toConfigFile(parsed.data),
    warnings: toldInOrder(literals.map((path) => mistakeAt(path, LITERAL_SECRET))),
  };
}

const NOTHING: ConfigFile = {
  options: {},
  keys: [],
  instances: [],
  topics: [],
  groups: [],
  mistakes: [],
  warnings: [],
};

// ---- the shape of the file

/** A scalar that an option's or a name's own type reads, whatever YAML took it for. */
function scalar<T>(type: ValueType<T>) {
  return z.unknown().transform((given, context): T => {
    if (given === undefined) return refuse(context, `is missing; it must be ${type.mustBe}.`);
    const value = isText(given) ? type.read(String(given)) : undefined;
    if (value !== undefined) return value;
    const meant = isText(given) ? didYouMean(String(given), type.words) : "";
    return refuse(context, `${JSON.stringify(given)} is not ${type.mustBe}.${meant}`);
  });
}

function isText(given: unknown): given is string | number | boolean {
  return typeof given === "string" || typeof given === "number" || typeof given === "boolean";
}

function refuse(context: z.core.$RefinementCtx, message: string): never {
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}

/** A name, checked by the rule that clients' names have to pass too. */
function name(check: (name: string) => void) {
  return scalar(text).superRefine((given, context) => {
    try {
      check(given);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      context.addIssue({ code: "custom", message: error.message });
    }
  });
}

/** An object in which every other key is a mistake, with its own place in the file. */
function object<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape);
  const unknownKey = z.unknown().superRefine((_, context) => {
    context.addIssue({ code: "custom", message: "unknown key", params: { known } });
  });
  return z.object(shape, "is not a group of keys and values.").catchall(unknownKey);
}

function list<Item extends z.ZodType>(item: Item) {
  return z.array(item, "is not a list.").nullish();
}

function declaredTopicName(given: string): void {
  checkTopicName(given);
  if (groupOfDeadLetterTopic({ instance: "", topic: given }) === undefined) return;
  throw new BrokerError(
    "invalid-argument",
    `${JSON.stringify(given)} is a dead-letter topic: it comes with its group.`,
  );
}

const topicSchema = object({
  name: name(declaredTopicName),
  kind: scalar(oneOf(...TOPIC_KINDS)).optional(),
  queues: scalar(wholeNumber(1, MAX_QUEUES)).optional(),
}).superRefine(({ kind = "normal", queues }, context) => {
  if (queues === undefined || kind === "ordered") return;
  context.addIssue({
    code: "custom",
    path: ["queues"],
    message: `only an ordered topic has queues; this one is ${kind}.`,
  });
});

const groupSchema = object({
  id: name(checkGroupName),
  invisibleFor: scalar(OPTIONS.invisibleFor.type).optional(),
  orderedInvisibleFor: scalar(OPTIONS.orderedInvisibleFor.type).optional(),
  maxRetries: scalar(OPTIONS.maxRetries.type).optional(),
  from: scalar(OPTIONS.from.type).optional(),
  onExhausted: scalar(OPTIONS.onExhausted.type).optional(),
});

const instanceSchema = object({ id: name(checkInstanceName), topics: list(topicSchema), groups: list(groupSchema) });

function fileSchema(source: ConfigFileSource) {
  const secret = secretSchema(source);
  const keySchema = object({ id: scalar(text), secret, token: secret.optional() });
  const userSchema = object({ name: scalar(text), keys: list(keySchema) });
  const options = Object.fromEntries(optionsIn("file").map((name) => [name, scalar(OPTIONS[name].type).optional()]));
  return object({
    version: scalar(oneOf("1")).optional(),
    ...(options as Record<OptionName, z.ZodType>),
    users: list(userSchema),
    instances: list(instanceSchema),
  });
}

type FileContent = z.infer<ReturnType<typeof fileSchema>>;

// ---- secrets: what was given is never told

interface Secret {
  readonly value: string;
  readonly literal: boolean;
}

const LITERAL_SECRET: Mistake = {
  sentence: "the secret stands in the file itself; { env: NAME } or { file: PATH } keeps it out.",
  inKey: false,
};

function secretSchema({ path, environment }: ConfigFileSource) {
  return z.unknown().transform((given, context): Secret => {
    if (typeof given === "string" && given !== "") return { value: given, literal: true };
    const [[place, target] = [], ...others] = Object.entries(given ?? {});
    if (typeof given !== "object" || others.length > 0 || typeof target !== "string") {
      return refuse(
        context,
        "must be { env: NAME }, { file: PATH } or text; what looks like a number stands in quotes.",
      );
    }
    if (place === "env") {
      const value = environment[target];
      return value ? { value, literal: false } : refuse(context, `the environment has no ${target}.`);
    }
    if (place === "file") return readSecretFile(resolve(dirname(path), target), context);
    return refuse(context, `has the unknown key ${JSON.stringify(place)}; it must be { env: NAME } or { file: PATH }.`);
  });
}

function readSecretFile(path: string, context: z.core.$RefinementCtx): Secret {
  try {
    const value = readFileSync(path, "utf8").replace(/\r?\n$/, "");
    return value === "" ? refuse(context, `${path} is empty.`) : { value, literal: false };
  } catch (error) {
    return refuse(context, `cannot read ${path}: ${(error as NodeJS.ErrnoException).code}.`);
  }
}

function findLiteralSecrets(users: NonNullable<FileContent["users"]>): Path[] {
  return users.flatMap(({ keys }, user) =>
    (keys ?? []).flatMap((key, index) =>
      (["secret", "token"] as const)
        .filter((name) => key[name]?.literal)
        .map((name) => ["users", user, "keys", index, name]),
    ),
  );
}

// ---- mistakes

interface Mistake {
  readonly sentence: string;
  /** Whether the key is wrong, not its value. */
  readonly inKey: boolean;
}

function toMistake(issue: z.core.$ZodIssue): Mistake {
  const known = issue.code === "custom" ? (issue.params?.known as readonly string[] | undefined) : undefined;
  if (known === undefined) return { sentence: issue.message, inKey: false };
  const meant = didYouMean(String(issue.path.at(-1)), known);
  return { sentence: `unknown key.${meant || ` Known here: ${known.join(", ")}.`}`, inKey: true };
}

/** Names that stand twice where they may stand once. Looks at the file as it is, so that other mistakes do not hide these. */
function findRepeated(content: unknown): { path: Path; sentence: string }[] {
  const entries = (value: unknown, path: Path, key: string) => {
    const items: unknown = (value as Record<string, unknown> | null | undefined)?.[key];
    return Array.isArray(items) ? items.map((item: unknown, index) => ({ item, path: [...path, key, index] })) : [];
  };
  const users = entries(content, [], "users");
  const instances = entries(content, [], "instances");
  const listsOfNames = [
    { key: "id", of: users.flatMap(({ item, path }) => entries(item, path, "keys")) },
    { key: "id", of: instances },
    ...instances.map(({ item, path }) => ({ key: "name", of: entries(item, path, "topics") })),
    ...instances.map(({ item, path }) => ({ key: "id", of: entries(item, path, "groups") })),
  ];
  return listsOfNames.flatMap(({ key, of }) => {
    const seen = new Map<unknown, Path>();
    return of.flatMap(({ item, path }) => {
      const name = (item as Record<string, unknown> | null)?.[key];
      const first = seen.get(name);
      if (name !== undefined && first === undefined) seen.set(name, path);
      if (first === undefined) return [];
      return [{ path: [...path, key], sentence: `${JSON.stringify(name)} stands at ${describePath(first)} already.` }];
    });
  });
}

/** `instances[0].topics[1].kind`. */
function describePath(path: Path): string {
  const steps = path.map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`));
  return steps.join("").replace(/^\./, "") || "the file";
}

/** Where in the file the value stands, or its key; of what is missing, the nearest thing around it. */
function offsetOf(document: Document, path: Path, ofKey: boolean): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      const keyOffset = startOf(pair?.key);
      node = pair?.value;
      offset = (ofKey && depth === path.length - 1 ? keyOffset : startOf(node)) ?? keyOffset ?? offset;
    } else if (isSeq(node) && typeof step === "number") {
      node = node.items[step];
      offset = startOf(node) ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

// ---- from what stands there to what it means

function toConfigFile(content: FileContent): ConfigFile {
  const instances = content.instances ?? [];
  return {
    ...NOTHING,
    options: Object.fromEntries(
      optionsIn("file").flatMap((name) => (content[name] === undefined ? [] : [[name, content[name]]])),
    ),
    keys: (content.users ?? []).flatMap(({ keys }) =>
      (keys ?? []).map(({ id, secret, token }) => ({
        id,
        secret: secret.value,
        ...(token === undefined ? {} : { token: token.value }),
      })),
    ),
    instances: instances.map(({ id }) => id),
    topics: instances.flatMap(({ id: instance, topics }) =>
      (topics ?? []).map(({ name: topic, kind = "normal", queues }) => ({
        ref: { instance, topic },
        kind,
        ...(queues === undefined ? {} : { queues }),
      })),
    ),
    groups: instances.flatMap(({ id: instance, groups }) =>
      (groups ?? []).map(({ id: group, invisibleFor, orderedInvisibleFor, maxRetries, from, onExhausted }) => ({
        ref: { instance, group },
        settings: withoutUndefined({ invisibleFor, orderedInvisibleFor, maxRetries, from, onExhausted }),
      })),
    ),
  };
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as never;
}
