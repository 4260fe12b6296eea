import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { heldSentences } from "./check-rules.ts";
import { findTests, type TestTitle } from "./find-tests.ts";
import { projectFiles } from "./project-files.ts";
import {
  familyOf,
  listItem,
  PAGE_OF,
  PLANNED,
  pageFile,
  plannedItem,
  type RuleBook,
  readRuleBook,
  ruleHeading,
  WAITING,
} from "./rule-book.ts";
import { formatWireRow, plannedWireItem, readWireItems, WIRE_PAGE, type WireItem } from "./wire-items.ts";

/** `npm run rules:promote`: what is planned and has a test by now moves to its page. The words stay as they are. */
const root = process.cwd();
const book = readRuleBook(root);
const tests = findTests(root, await projectFiles(root));

const sentences = promoteSentences();
const items = promoteWireItems();
removeFromPlanned(new Set([...sentences, ...items]));
console.log([...sentences, ...items].join("\n") || "nothing to move");

function promoteSentences(): string[] {
  const held = heldSentences(
    book,
    tests.flatMap(({ ids }) => ids),
  );
  const moved = book.sentences.filter(({ id, isPlanned }) => isPlanned && held.has(id)).map(({ id }) => id);
  const rules = new Set(moved.map((id) => id.split(".")[0] ?? id));
  for (const rule of rules) rewrite(pageFile(familyOf(rule)), (page) => withRule(page, rule, listOf(book, rule, held)));
  return moved;
}

/** The rule's list as its page shall show it: what is true, and the places of what waits before it. */
function listOf({ sentences }: RuleBook, rule: string, held: ReadonlySet<string>): string[] {
  const all = sentences.filter((sentence) => sentence.rule === rule).toSorted((a, b) => a.number - b.number);
  const isTrue = all.map(({ id, isPlanned }) => !isPlanned || held.has(id));
  return all
    .map(({ number, text }, index) => `${number}. ${isTrue[index] ? text : WAITING}`)
    .slice(0, isTrue.lastIndexOf(true) + 1);
}

/** Puts the list under the rule's heading, which is made where it belongs if it is not there. */
function withRule(page: string[], rule: string, list: string[]): string[] {
  const heading = page.findIndex((line) => ruleHeading.exec(line)?.[1] === rule);
  if (heading < 0) {
    const next = page.findIndex((line) => line.startsWith("## ") && comesAfter(ruleHeading.exec(line)?.[1], rule));
    const at = next < 0 ? page.length : next;
    return [...page.slice(0, at), `## ${rule} — ${book.titles.get(rule)}`, "", ...list, "", ...page.slice(at)];
  }
  const first = page.findIndex((line, index) => index > heading && listItem.test(line));
  const length = page.slice(first).findIndex((line) => !listItem.test(line));
  return [...page.slice(0, first), ...list, ...page.slice(length < 0 ? page.length : first + length)];
}

/** What is no rule, such as a table of states, stands after the rules. */
function comesAfter(other: string | undefined, rule: string): boolean {
  if (other === undefined) return true;
  const order = (id: string) => Object.keys(PAGE_OF).indexOf(familyOf(id)) * 1000 + Number(id.split("-")[1]);
  return order(other) > order(rule);
}

function promoteWireItems(): string[] {
  const sections = sectionsOfPlanned();
  return readWireItems(root).flatMap((item) => {
    const holder = item.heldBy === undefined ? tests.find(({ ids }) => ids.includes(item.id)) : undefined;
    const section = sections.get(item.id);
    if (holder === undefined || section === undefined) return [];
    rewrite(WIRE_PAGE, (page) => withWireItem(page, section, item, holder));
    return [item.id];
  });
}

function withWireItem(page: string[], section: string, { id, statement }: WireItem, holder: TestTitle): string[] {
  const table = page.indexOf(`## ${section}`);
  const rows = page.findIndex((line, index) => index > table && line.startsWith("|---")) + 1;
  const offset = page.slice(rows).findIndex((line) => !line.startsWith("|") || itemNumber(line) > itemNumber(id));
  const at = offset < 0 ? page.length : rows + offset;
  return [...page.slice(0, at), formatWireRow(id, statement, holder.title), ...page.slice(at)];
}

function itemNumber(text: string): number {
  return Number(/WIRE-(\d+)/.exec(text)?.[1]);
}

function sectionsOfPlanned(): Map<string, string> {
  const sections = new Map<string, string>();
  let section = "";
  for (const line of readFileSync(join(root, PLANNED), "utf8").split("\n")) {
    if (line.startsWith("### ")) section = line.slice(4);
    const id = plannedWireItem.exec(line)?.[1];
    if (id) sections.set(id, section);
  }
  return sections;
}

function removeFromPlanned(ids: ReadonlySet<string>): void {
  const waits = (line: string) => {
    const [, id = plannedWireItem.exec(line)?.[1] ?? "", , , plus] = plannedItem.exec(line) ?? [];
    return plus === "+" || !ids.has(id);
  };
  rewrite(PLANNED, (page) => withoutEmptySections(page.filter(waits)));
}

/** Leaves out each heading below which no item is left. */
function withoutEmptySections(page: string[]): string[] {
  return page.filter((_, index) => {
    const heading = enclosing(page, index);
    return heading === undefined || hasItems(page, heading);
  });
}

function enclosing(page: readonly string[], index: number): number | undefined {
  const at = page.findLastIndex((line, before) => before <= index && /^###? /.test(line));
  return at < 0 ? undefined : at;
}

function hasItems(page: readonly string[], heading: number): boolean {
  const level = page[heading]?.startsWith("### ") ? 3 : 2;
  const below = page.slice(heading + 1);
  const end = below.findIndex((line) => (level === 3 ? /^###? / : /^## /).test(line));
  return below.slice(0, end < 0 ? undefined : end).some((line) => line.startsWith("- "));
}

function rewrite(file: string, change: (lines: string[]) => string[]): void {
  const path = join(root, file);
  const text = change(readFileSync(path, "utf8").trimEnd().split("\n").concat("")).join("\n");
  writeFileSync(path, `${text.trimEnd()}\n`);
}
