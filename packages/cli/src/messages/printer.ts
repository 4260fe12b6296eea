import type { Host } from "../host.ts";

export type PrinterHost = Pick<Host, "print" | "columns">;

/** Something told item by item on standard output. */
export interface Printer<T> {
  /** Resolves when they are on their way. False: nobody reads any more. */
  print(items: readonly T[]): Promise<boolean>;
  /** What the format wants at its end. */
  end(): Promise<void>;
}

/** How items look: as columns for people, as a record for programs. */
export interface Look<T> {
  readonly columns: readonly Column<T>[];
  toRecord(item: T): object;
}

export interface Column<T> {
  readonly head: string;
  cell(item: T): string;
}
