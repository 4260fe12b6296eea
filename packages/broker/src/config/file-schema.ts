import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { BrokerError } from "../domain/broker-error.ts";
import { checkGroupName, checkInstanceName, checkTopicName, groupOfDeadLetterTopic } from "../domain/names.ts";
import { MAX_QUEUES, TOPIC_KINDS } from "../domain/topic.ts";
import { OPTIONS, type OptionName, optionsIn } from "./options.ts";
import { didYouMean, oneOf, text, type ValueType, wholeNumber } from "./value-type.ts";

export interface ConfigFileSource {
  readonly path: string;
  /** As the operator calls it. */
  readonly name: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The shape of the file. An unknown key is an issue whose `params` have the keys that are `known` there. */
export function fileSchema(source: ConfigFileSource) {
  const secret = secretSchema(source);
  const keySchema = object({ id: scalar(text), secret, token: secret.optional() });
  const userSchema = object({ name: scalar(text), keys: list(keySchema) });
  const options = optionsIn("file").map((name) => [name, scalar<unknown>(OPTIONS[name].type).optional()]);
  return object({
    version: scalar(oneOf("1")).optional(),
    ...(Object.fromEntries(options) as Record<OptionName, z.ZodType>),
    users: list(userSchema),
    instances: list(instanceSchema),
  });
}

export type FileContent = z.infer<ReturnType<typeof fileSchema>>;

/** A scalar that an option's or a name's own type reads, whatever YAML took it for. */
function scalar<T>(type: ValueType<T>) {
  return z.unknown().transform((given, context): T => {
    if (given === undefined || given === null) return refuse(context, `is missing; it must be ${type.mustBe}.`);
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

interface Secret {
  readonly value: string;
  readonly literal: boolean;
}

/** What was given is never told, nor the name of an odd key: it may be the secret itself. */
function secretSchema({ path, environment }: ConfigFileSource) {
  return z.unknown().transform((given, context): Secret => {
    if (typeof given === "string" && given !== "") return { value: given, literal: true };
    const [[place, target] = [], ...others] = typeof given === "object" ? Object.entries(given ?? {}) : [];
    if (others.length === 0 && typeof target === "string") {
      if (place === "env") return readSecretVariable(target, environment, context);
      if (place === "file") return readSecretFile(resolve(dirname(path), target), context);
    }
    return refuse(context, "must be { env: NAME }, { file: PATH } or text; what looks like a number stands in quotes.");
  });
}

function readSecretVariable(
  name: string,
  environment: ConfigFileSource["environment"],
  context: z.core.$RefinementCtx,
): Secret {
  const value = environment[name];
  return value ? { value, literal: false } : refuse(context, `the environment has no ${name}.`);
}

function readSecretFile(path: string, context: z.core.$RefinementCtx): Secret {
  try {
    const value = readFileSync(path, "utf8").replace(/\r?\n$/, "");
    return value === "" ? refuse(context, `${path} is empty.`) : { value, literal: false };
  } catch (error) {
    return refuse(context, `cannot read ${path}: ${(error as NodeJS.ErrnoException).code}.`);
  }
}
