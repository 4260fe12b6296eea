import Table from "cli-table3";
import type { Column, Printer, PrinterHost } from "./printer.ts";
import { toOneLine } from "./to-one-line.ts";

const GAP = 2;
/** However narrow the terminal is, so much of the last column is shown. */
const LEAST_OF_LAST = 16;
const NO_LINES = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "",
};

/**
 * Columns under a head that is written once; they get wider when they must, and never narrower. The last column is cut where
 * a terminal ends, and nowhere else: what goes into a file is whole.
 */
export function tablePrinter<T>(columns: readonly Column<T>[], host: PrinterHost): Printer<T> {
  const heads = columns.map(({ head }) => head);
  let widths = heads.map(() => 0);
  let isBegun = false;
  return {
    print: async (items) => {
      if (items.length === 0) return true;
      const rows = items.map((item) => columns.map(({ cell }) => toOneLine(cell(item))));
      widths = heads.map((head, at) =>
        Math.max(
          widths[at] ?? 0,
          widthOf(
            head,
            rows.map((row) => row[at] ?? ""),
          ),
        ),
      );
      const lines = linesOf(heads, rows, fit(widths, host.columns));
      const shown = isBegun ? lines.slice(1) : lines;
      isBegun = true;
      return host.print(shown.map((line) => `${line.trimEnd()}\n`).join(""));
    },
    end: async () => {},
  };
}

/** How wide a column is on a terminal, gap included: some characters take two places. */
function widthOf(head: string, cells: readonly string[]): number {
  const [first = ""] = linesOf(
    [head],
    cells.map((cell) => [cell]),
    [],
  );
  return first.length;
}

function fit(widths: readonly number[], terminalWidth: number | undefined): readonly number[] {
  if (terminalWidth === undefined) return widths;
  const others = widths.slice(0, -1).reduce((sum, width) => sum + width, 0);
  const left = Math.max(terminalWidth - others + GAP, LEAST_OF_LAST + GAP);
  return [...widths.slice(0, -1), Math.min(widths.at(-1) ?? 0, left)];
}

function linesOf(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  colWidths: readonly number[],
): string[] {
  const style = { "padding-left": 0, "padding-right": GAP, head: [], border: [] };
  const table = new Table({ head: [...heads], chars: NO_LINES, colWidths: [...colWidths], style });
  table.push(...rows.map((row) => [...row]));
  return table.toString().split("\n");
}
