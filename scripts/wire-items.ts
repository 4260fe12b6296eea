import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PLANNED } from "./rule-book.ts";

export const WIRE_PAGE = "docs/rules/wire.md";
export const WIRE_ITEM_COUNT = 100;

/** One item of the protocol's checklist: held by a test, or planned. */
export interface WireItem {
  /** `WIRE-45` */
  readonly id: string;
  readonly statement: string;
  /** Title of the test that holds it; absent while the item is planned. */
  readonly heldBy?: string;
  readonly file: string;
  readonly line: number;
}

export function readWireItems(root: string): WireItem[] {
  return [...readTable(root), ...readPlannedItems(root)];
}

export function formatWireRow(id: string, statement: string, heldBy: string): string {
  return `| ${id} | ${escapeCell(statement)} | ${escapeCell(heldBy)} |`;
}

export const plannedWireItem = /^- (WIRE-\d+) (.+)$/;

function readTable(root: string): WireItem[] {
  return linesOf(root, WIRE_PAGE).flatMap((text, index) => {
    const [, id, statement, heldBy] = /^\| (WIRE-\d+) \| ((?:\\\||[^|])*) \| ((?:\\\||[^|])*) \|$/.exec(text) ?? [];
    if (!id || !statement || heldBy === undefined) return [];
    return [{ id, statement: unescapeCell(statement), heldBy: unescapeCell(heldBy), file: WIRE_PAGE, line: index + 1 }];
  });
}

function readPlannedItems(root: string): WireItem[] {
  return linesOf(root, PLANNED).flatMap((text, index) => {
    const [, id, statement] = plannedWireItem.exec(text) ?? [];
    return id && statement ? [{ id, statement, file: PLANNED, line: index + 1 }] : [];
  });
}

const linesOf = (root: string, file: string): string[] => readFileSync(join(root, file), "utf8").split("\n");
const escapeCell = (text: string): string => text.replaceAll("|", "\\|");
const unescapeCell = (text: string): string => text.replaceAll("\\|", "|");
