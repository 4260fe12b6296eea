import type { Broker } from "@stagemq/broker";

/** The broker's package, opened only once a command needs it. */
export type Door = typeof import("@stagemq/broker");

export type Log = Broker["log"];

/** What a command needs of the process it runs in. Tests bring their own. */
export interface Host {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  readonly pid: number;
  /** Absent where the system knows none. */
  readonly uid: number | undefined;
  /** Standard error is read by a person. */
  readonly terminal: boolean;
  /** And that person can answer. */
  readonly interactive: boolean;
  /** How many characters fit into a line of standard output, where a person reads that; absent elsewhere. */
  readonly columns: number | undefined;
  openDoor(): Promise<Door>;
  /** To standard output: only what was asked for. */
  answer(text: string): void;
  /** The same, and waits until it is on its way. False: nobody reads it any more. */
  print(text: string): Promise<boolean>;
  /** Standard input, to its end. */
  readInput(): AsyncIterable<Uint8Array>;
  /** To standard error. */
  tell(text: string): void;
  ask(question: string): Promise<string>;
  /** Resolves at the first TERM or INT. A second one ends the process at once (RUN-2). */
  stopRequested(): Promise<void>;
  /** From now on what nobody caught is told to this log. */
  reportCrashesTo(log: Log): void;
}

/** What a command works with. */
export interface Surroundings {
  readonly host: Host;
  readonly door: Door;
}
