import { readFileSync } from "node:fs";
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import type { core } from "zod";
import type { GroupDeclaration } from "../domain/consumer-group.ts";
import type { TopicDeclaration } from "../domain/topic.ts";
import type { DeclaredKey } from "./config.ts";
import { type ConfigFileSource, type FileContent, fileSchema } from "./file-schema.ts";
import { type OptionValues, optionsIn } from "./options.ts";
import { didYouMean } from "./value-type.ts";

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

interface Mistake {
  readonly sentence: string;
  /** Whether the key is wrong, not its value. */
  readonly inKey: boolean;
}

const LITERAL_SECRET: Mistake = {
  sentence: "the secret stands in the file itself; { env: NAME } or { file: PATH } keeps it out.",
  inKey: false,
};

function findLiteralSecrets(users: NonNullable<FileContent["users"]>): Path[] {
  return users.flatMap(({ keys }, user) =>
    (keys ?? []).flatMap((key, index) =>
      (["secret", "token"] as const)
        .filter((name) => key[name]?.literal)
        .map((name) => ["users", user, "keys", index, name]),
    ),
  );
}

function toMistake(issue: core.$ZodIssue): Mistake {
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
