import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findTests, type TestTitle } from "./find-tests.ts";
import type { Finding } from "./finding.ts";
import { PAGE_OF, PLANNED, type RuleBook, readRuleBook, type Sentence } from "./rule-book.ts";
import { WIRE_ITEM_COUNT } from "./wire-items.ts";

/** The rule book against the tests: what is true has a test, what is planned has none, and nobody cites what does not exist. */
export function checkRules(root: string, projectFiles: readonly string[]): Finding[] {
  const book = readRuleBook(root);
  const tests = findTests(root, projectFiles);
  return [
    ...book.findings,
    ...bySentence(book, tests),
    ...inTitles(book, tests),
    ...byNumbers(book),
    ...[...book.sentences, ...book.additions].filter(isNotOneSentence).map(says("is not exactly one sentence")),
    ...inCitations(root, book, projectFiles),
  ];
}

/** The sentences that tests with these ids hold. A rule of a single sentence may be named without its `.1`. */
export function heldSentences(book: RuleBook, ids: readonly string[]): Set<string> {
  return new Set(ids.map((id) => (isSingle(book, id) ? `${id}.1` : id)));
}

function bySentence(book: RuleBook, tests: readonly TestTitle[]): Finding[] {
  const held = heldSentences(
    book,
    tests.flatMap(({ ids }) => ids),
  );
  const untested = book.sentences.filter(({ id, isPlanned }) => !isPlanned && !held.has(id));
  const arrived = book.sentences.filter(({ id, isPlanned }) => isPlanned && held.has(id));
  return [
    ...untested.map(says("has no test")),
    ...arrived.map(says("has a test: move it to its page (npm run rules:promote)")),
  ];
}

function inTitles(book: RuleBook, tests: readonly TestTitle[]): Finding[] {
  return tests.flatMap(({ file, ids }) =>
    ids
      .filter((id) => book.titles.has(id) && !isSingle(book, id))
      .map((id) => ({ file, says: `a test is titled ${id}, but not by which of its sentences` })),
  );
}

function byNumbers(book: RuleBook): Finding[] {
  const findings: Finding[] = [];
  const rulesOf = new Map<string, Set<number>>();
  for (const rule of book.titles.keys()) {
    const numbers = book.sentences.filter((sentence) => sentence.rule === rule).map(({ number }) => number);
    findings.push(...gaps(`${rule}.`, numbers));
    const [family = "", number] = rule.split("-");
    rulesOf.set(family, (rulesOf.get(family) ?? new Set()).add(Number(number)));
  }
  for (const family of Object.keys(PAGE_OF)) findings.push(...gaps(`${family}-`, [...(rulesOf.get(family) ?? [])]));
  for (const { id, file, line } of book.additions)
    if (!book.sentences.some((sentence) => sentence.id === id))
      findings.push({ file, line, says: `${id}+ adds to nothing` });
  return findings;
}

function gaps(prefix: string, numbers: readonly number[]): Finding[] {
  const sorted = numbers.toSorted((a, b) => a - b);
  const wrong = sorted.findIndex((number, index) => number !== index + 1);
  if (sorted.length > 0 && wrong < 0) return [];
  return [{ file: PLANNED, says: `${prefix}${wrong + 1} is missing or stands twice, here and on its page together` }];
}

function inCitations(root: string, book: RuleBook, projectFiles: readonly string[]): Finding[] {
  const known = new Set([...book.titles.keys(), ...book.sentences.map(({ id }) => id)]);
  for (let item = 1; item <= WIRE_ITEM_COUNT; item++) known.add(`WIRE-${item}`);
  const citation = new RegExp(`\\b(?:${Object.keys(PAGE_OF).join("|")}|WIRE)-\\d+(?:\\.\\d+)?\\b`, "g");
  return projectFiles.filter(isReadable).flatMap((file) =>
    readFileSync(join(root, file), "utf8")
      .split("\n")
      .flatMap((text, index) =>
        [...text.matchAll(citation)]
          .filter(([id]) => !known.has(id))
          .map(([id]) => ({ file, line: index + 1, says: `${id} exists nowhere` })),
      ),
  );
}

const isReadable = (file: string): boolean => /[.]([cm]?[jt]sx?|md|sh|grit|ya?ml|py)$|^[.]ci\//.test(file);
const isSingle = (book: RuleBook, rule: string): boolean =>
  book.sentences.filter((sentence) => sentence.rule === rule).length === 1;
const says =
  (verdict: string) =>
  ({ id, file, line }: Sentence): Finding => ({ file, line, says: `${id} ${verdict}` });

/** Full stops outside brackets, quotes and code: exactly one, at the end. */
function isNotOneSentence({ text }: Sentence): boolean {
  let bare = text.replaceAll(/`[^`]*`|"[^"]*"/g, "_");
  while (/\([^()]*\)/.test(bare)) bare = bare.replaceAll(/\([^()]*\)/g, "_");
  return !/^[^.!?]*[.]$/.test(bare.replaceAll(/(?<=\S)[.!?](?=\S)/g, "_"));
}
