import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Finding } from "../finding.ts";

/** A violation put into a scratch copy, and what a check must say about it. */
export interface Plant {
  readonly file: string;
  /** Appended to the file, or put in the place of `instead`. */
  readonly text: string;
  readonly instead?: string;
  readonly expects: readonly Expectation[];
}

export interface Expectation {
  /** Where the finding points, if not to the plant's own file and lines. */
  readonly file?: string;
  readonly says: string | RegExp;
}

/** Puts the plant into the copy and returns the expectations that `findings` must meet. */
export function plant(root: string, { file, text, instead, expects }: Plant): Expected[] {
  const path = join(root, file);
  mkdirSync(dirname(path), { recursive: true });
  const before = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (instead !== undefined && !before.includes(instead)) throw new Error(`${file} does not hold "${instead}"`);
  writeFileSync(path, instead === undefined ? `${before}${text}\n` : before.replace(instead, text));
  const first = before.split("\n").length;
  const lines = instead === undefined ? { first, last: first + text.split("\n").length - 1 } : undefined;
  return expects.map((expectation) => ({ file, ...(expectation.file === undefined && lines), ...expectation }));
}

export interface Expected {
  readonly file: string;
  readonly first?: number;
  readonly last?: number;
  readonly says: string | RegExp;
}

export function isMetBy(expected: Expected, finding: Finding): boolean {
  const { file, first, last, says } = expected;
  const isOnItsLines =
    finding.line === undefined ||
    first === undefined ||
    last === undefined ||
    (first <= finding.line && finding.line <= last);
  const saysSo = typeof says === "string" ? finding.says.includes(says) : says.test(finding.says);
  return finding.file === file && isOnItsLines && saysSo;
}
