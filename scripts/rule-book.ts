import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "./finding.ts";

/** Family of rules → its page in docs/rules. WIRE is kept in a table: wire-items.ts. */
export const PAGE_OF: Readonly<Record<string, string>> = {
  PUB: "publishing",
  DEL: "delivery",
  TAG: "filters",
  ORD: "ordered",
  DLY: "delayed",
  TX: "transactions",
  DLQ: "dead-letters",
  DUR: "durability",
  RET: "durability",
  INS: "instances",
  GRP: "instances",
  REQ: "requests",
  RUN: "running",
  TIM: "time",
};
export const PLANNED = "docs/rules/planned.md";
/** Keeps the place of a sentence that waits, so that the list on the page numbers the others rightly. */
export const WAITING = "*Planned*";

export interface Sentence {
  /** `PUB-4.2` */
  readonly id: string;
  /** `PUB-4` */
  readonly rule: string;
  readonly number: number;
  readonly text: string;
  readonly isPlanned: boolean;
  readonly file: string;
  readonly line: number;
}

export interface RuleBook {
  readonly sentences: readonly Sentence[];
  /** What sentences will say besides: planned, on top of a sentence with that id. */
  readonly additions: readonly Sentence[];
  /** Rule → its title, as its headings give it. */
  readonly titles: ReadonlyMap<string, string>;
  /** What is wrong with the writing of the pages. */
  readonly findings: readonly Finding[];
}

export const pageFile = (family: string): string => `docs/rules/${PAGE_OF[family]}.md`;
export const familyOf = (rule: string): string => rule.split("-")[0] ?? rule;
export const ruleHeading = /^###? ([A-Z]+-\d+) — (.+)$/;
export const plannedItem = /^- (([A-Z]+-\d+)(?:\.(\d+))?)(\+?) (?:\((?:the proof|operations)\) )?(.+)$/;
export const listItem = /^(\d+)\. (.+)$/;

export function readRuleBook(root: string): RuleBook {
  const book = { sentences: [], additions: [], titles: new Map(), findings: [] } satisfies RuleBook;
  for (const page of new Set(Object.values(PAGE_OF))) readPage(root, `docs/rules/${page}.md`, book);
  readPlanned(root, book);
  return book;
}

interface Draft {
  sentences: Sentence[];
  additions: Sentence[];
  titles: Map<string, string>;
  findings: Finding[];
}

function readPage(root: string, file: string, book: Draft): void {
  let rule: string | undefined;
  for (const [index, text] of linesOf(root, file).entries()) {
    const at = { file, line: index + 1 };
    if (text.startsWith("#")) rule = readHeading(text, at, book);
    const [, number, sentence = ""] = listItem.exec(text) ?? [];
    if (rule === undefined || number === undefined) continue;
    if (pageFile(familyOf(rule)) !== file)
      book.findings.push({ ...at, says: `${rule} belongs on ${pageFile(familyOf(rule))}` });
    if (sentence === WAITING) continue;
    const id = `${rule}.${number}`;
    book.sentences.push({ id, rule, number: Number(number), text: sentence, isPlanned: false, ...at });
  }
}

function readPlanned(root: string, book: Draft): void {
  let heading: string | undefined;
  for (const [index, line] of linesOf(root, PLANNED).entries()) {
    const at = { file: PLANNED, line: index + 1 };
    if (line.startsWith("#")) heading = readHeading(line, at, book);
    if (!line.startsWith("- ") || line.startsWith("- WIRE-")) continue;
    const [, id, rule, number, plus, text] = plannedItem.exec(line) ?? [];
    if (!id || !rule || !number || !text) {
      book.findings.push({ ...at, says: "not of the form `- PUB-4.2 …`" });
      continue;
    }
    if (rule !== heading) book.findings.push({ ...at, says: `${id} does not stand under the heading of ${rule}` });
    const sentence = { id, rule, number: Number(number), text, isPlanned: true, ...at };
    (plus ? book.additions : book.sentences).push(sentence);
  }
}

function readHeading(line: string, at: Pick<Finding, "file" | "line">, book: Draft): string | undefined {
  const [, rule, title] = ruleHeading.exec(line) ?? [];
  if (!rule || !title) return undefined;
  const known = book.titles.get(rule);
  if (known !== undefined && known !== title)
    book.findings.push({
      file: at.file,
      ...(at.line && { line: at.line }),
      says: `${rule} is called "${known}" elsewhere`,
    });
  book.titles.set(rule, title);
  return rule;
}

function linesOf(root: string, file: string): string[] {
  const path = join(root, file);
  return existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
}
