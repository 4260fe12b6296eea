/** Who watches long work: how much there is, and each piece that is done. */
export interface Progress {
  /** Also when it begins again. */
  begin(totalBytes: number): void;
  add(bytes: number): void;
}

export const NOBODY_WATCHES: Progress = { begin: () => {}, add: () => {} };
