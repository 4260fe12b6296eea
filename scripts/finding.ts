/** One thing that is wrong with the tree: where, and what. */
export interface Finding {
  readonly file: string;
  readonly line?: number;
  readonly says: string;
}

export function formatFinding({ file, line, says }: Finding): string {
  return `${line === undefined ? file : `${file}:${line}`}  ${says}`;
}
