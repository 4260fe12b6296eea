import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "@swc/core";

/** A test as it stands in the source: what runs is not asked, what is written is. */
export interface TestTitle {
  readonly file: string;
  /** `rule("PUB-4.1", "a body …")` is titled `PUB-4.1: a body …`; a template's holes are written `…`. */
  readonly title: string;
  /** The rules, sentences and items that the title names before its first colon. */
  readonly ids: readonly string[];
}

const TESTS = new Set(["it", "test", "rule"]);
const SUITES = new Set(["describe", "suite"]);
const MUTED = new Set(["skip", "todo", "fails", "only", "skipIf", "runIf"]);

function isTestSource(file: string): boolean {
  return /[.]test[.]ts$/.test(file) || /^(packages\/[^/]+\/)?test\/.+[.]ts$/.test(file);
}

/** Reads the syntax tree, so that a test in a comment, muted, in a muted suite or with an empty body holds nothing. */
export function findTests(root: string, files: readonly string[]): TestTitle[] {
  return files.filter(isTestSource).flatMap((file) => {
    const tests: TestTitle[] = [];
    const source = readFileSync(join(root, file), "utf8");
    visit(parseSync(source, { syntax: "typescript", target: "es2022" }), (call) => {
      const { name, isMuted } = calleeOf(call.callee);
      if (name === undefined || !(TESTS.has(name) || SUITES.has(name))) return true;
      if (isMuted) return false;
      const title = TESTS.has(name) && !isEmpty(call) ? titleOf(call, name) : undefined;
      if (title !== undefined) tests.push({ file, title, ids: idsOf(title) });
      return true;
    });
    return tests;
  });
}

/** The rules, sentences and items before the first colon of a title. */
export function idsOf(title: string): string[] {
  const [, list = ""] = /^((?:[A-Z]+-\d+(?:\.\d+)?(?:, | and )?)+)(?::|$)/.exec(title) ?? [];
  return list.match(/[A-Z]+-\d+(?:\.\d+)?/g) ?? [];
}

interface SyntaxNode {
  readonly type: string;
  readonly [key: string]: unknown;
}
interface Call extends SyntaxNode {
  readonly callee: SyntaxNode;
  readonly arguments: readonly { readonly expression: SyntaxNode }[];
}

/** Walks all nodes; below a call only if `enter` says so. */
function visit(node: unknown, enter: (call: Call) => boolean): void {
  if (Array.isArray(node)) for (const child of node) visit(child, enter);
  else if (isNode(node) && (node.type !== "CallExpression" || enter(node as Call)))
    for (const child of Object.values(node)) visit(child, enter);
  else if (typeof node === "object" && node !== null && !isNode(node))
    for (const child of Object.values(node)) visit(child, enter);
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** The name at the root of `it`, `it.each(…)` and the like; muted if a word on the way mutes it. */
function calleeOf(callee: SyntaxNode): { name?: string; isMuted: boolean } {
  if (callee.type === "Identifier") return { name: String(callee.value), isMuted: false };
  if (callee.type === "CallExpression") return calleeOf((callee as Call).callee);
  if (callee.type === "TaggedTemplateExpression") return calleeOf(callee.tag as SyntaxNode);
  if (callee.type !== "MemberExpression") return { isMuted: false };
  const inner = calleeOf(callee.object as SyntaxNode);
  const property = callee.property as SyntaxNode;
  return { ...inner, isMuted: inner.isMuted || MUTED.has(String(property.value)) };
}

function titleOf(call: Call, name: string): string | undefined {
  const [first, second] = call.arguments.slice(0, 2).map((argument) => textOf(argument.expression));
  return name === "rule" && first !== undefined && second !== undefined ? `${first}: ${second}` : first;
}

function textOf(expression: SyntaxNode): string | undefined {
  if (expression.type === "StringLiteral") return String(expression.value);
  if (expression.type !== "TemplateLiteral") return undefined;
  return (expression.quasis as readonly { readonly cooked: string }[]).map(({ cooked }) => cooked).join("…");
}

function isEmpty(call: Call): boolean {
  const inline = call.arguments
    .map(({ expression }) => expression)
    .find(({ type }) => type === "ArrowFunctionExpression" || type === "FunctionExpression");
  const body = inline?.body as { readonly stmts?: readonly unknown[] } | undefined;
  return body?.stmts?.length === 0;
}
