import type { Address } from "../domain/address.ts";
import type { GroupDeclaration } from "../domain/consumer-group.ts";
import type { DurationMs } from "../domain/time.ts";
import type { TopicDeclaration, TypeCheck } from "../domain/topic.ts";
import type { LogLevel } from "../runtime/log.ts";
import type { Command } from "./options.ts";

/** Everything that was asked for, checked and complete: plain values for main.ts to hand out. */
export interface Config {
  readonly command: Command;
  /** The file that was read. */
  readonly file: string | undefined;
  readonly http: Address;
  /** REQ-1: nobody named an address, so ::1 is listened on too, where it exists. */
  readonly alsoIpv6Loopback: boolean;
  readonly beyondLoopback: boolean;
  /** An absolute path; undefined keeps everything in memory. */
  readonly dataDirectory: string | undefined;
  readonly durability: "sync" | "relaxed";
  readonly clock: "system" | "simulated";
  readonly reset: boolean;
  readonly yes: boolean;
  readonly readyJson: boolean;
  readonly logLevel: LogLevel;
  /** Of the lines that say what happens to each message. */
  readonly messageLogLevel: LogLevel;

  /** Declared access keys; in dev its own is one of them. */
  readonly keys: readonly DeclaredKey[];
  /** What may be shown to whoever starts dev: absent in serve, and where the file declares this id itself. */
  readonly devKey: DeclaredKey | undefined;
  /** REQ-1: what becomes of a key id that nobody declared. */
  readonly undeclaredKeys: "let-in" | "refuse";
  readonly defaultInstance: string;
  /** Instances, topics and groups are made by their first use. */
  readonly makeByUse: boolean;
  readonly typeCheck: TypeCheck;
  readonly declarations: {
    readonly instances: readonly string[];
    readonly topics: readonly TopicDeclaration[];
    readonly groups: readonly GroupDeclaration[];
  };

  /** TIM-3. The times in this value are divided already. */
  readonly fast: boolean;
  /** What `fast` made of the longest times, for people to read; empty without it. */
  readonly hastened: readonly { readonly from: DurationMs; readonly to: DurationMs }[];

  readonly invisibleFor: DurationMs;
  readonly orderedInvisibleFor: DurationMs;
  /** How long a check's handle is good, and so how often is asked. */
  readonly halfInvisibleFor: DurationMs;
  /** How long after its first check a half message is asked about. */
  readonly checkFor: DurationMs;
  readonly maxRetries: number;
  readonly onExhausted: "dead-letter" | "block";
  /** Unset: earliest for a group made by its first poll, latest for a declared one (DEL-11). */
  readonly from: "earliest" | "latest" | undefined;
  readonly maxBatchBytes: number;
  /** DEL-8: the so-many-th delivery given back in a row stands. */
  readonly giveBacksBeforeDelivery: number;
  /** DEL-12: of four places in a row so many go to new messages. */
  readonly newShare: number;
  readonly maxOutstanding: number;
  readonly filterMemory: DurationMs;
  readonly orderedQueues: number;
  readonly maxDelay: DurationMs;
  readonly retentionAge: DurationMs;
  readonly retentionBytes: number | undefined;
  readonly clockStep: DurationMs;
  readonly ageRestsFor: DurationMs;
  readonly clockSkew: DurationMs;
  readonly sharedReadBytes: number;
  /** DUR-3. */
  readonly reserveBytes: number;
  readonly minFreeBytes: number;

  /** What the operator should hear once the log is open. */
  readonly warnings: readonly Warning[];
}

export interface DeclaredKey {
  readonly id: string;
  readonly secret: string;
  /** When set, requests must carry it as their security token. */
  readonly token?: string;
}

export interface Warning {
  readonly event: string;
  readonly sentence: string;
}
