import type { ClientFlags } from "../messages/client-flags.ts";
import type { MessageToSend } from "../messages/message-record.ts";
import { Pace } from "../messages/pace.ts";
import { readChoice, readInstant, readProperties, readRate } from "../messages/read-words.ts";
import { TRANSACTION_ENDS, type TransactionEnd } from "../messages/sender.ts";
import { UsageMistake } from "../usage-mistake.ts";

/** What the command line of `send` says. */
export interface SendFlags extends ClientFlags {
  readonly tag?: string;
  readonly key?: string;
  readonly shardingKey?: string;
  readonly property?: readonly string[];
  readonly at?: string;
  readonly transaction?: string;
  readonly group?: string;
  readonly file?: string;
  readonly rate?: string;
}

/** The same, read. */
export interface SendWords {
  /** What the flags say of a message. */
  fields(now: number): Partial<MessageToSend>;
  readonly transaction: { readonly end: TransactionEnd; readonly group: string } | undefined;
  readonly pace: Pace | undefined;
}

/** Refuses what cannot be meant, before anything is sent. */
export function readSendFlags(body: string | undefined, flags: SendFlags): SendWords {
  if (body === undefined && flags.file === undefined) {
    throw new UsageMistake("Say what to send: a BODY, - for standard input, or --file FILE.");
  }
  if (body !== undefined && flags.file !== undefined) {
    throw new UsageMistake("There is a BODY and a --file; one of them is enough.");
  }
  if (flags.rate !== undefined && flags.file === undefined) throw new UsageMistake("--rate goes with --file.");
  const { tag, key, shardingKey, property, at } = flags;
  const properties = property === undefined ? undefined : readProperties("--property", property);
  const fields = (now: number): Partial<MessageToSend> => ({
    ...(tag === undefined ? {} : { tag }),
    ...(key === undefined ? {} : { keys: [key] }),
    ...(properties === undefined ? {} : { properties }),
    ...(shardingKey === undefined ? {} : { shardingKey }),
    ...(at === undefined ? {} : { deliverAt: readInstant("--at", at, now) }),
  });
  fields(0);
  return {
    fields,
    transaction: readTransaction(flags),
    pace: flags.rate === undefined ? undefined : new Pace(readRate("--rate", flags.rate)),
  };
}

function readTransaction({ transaction, group }: SendFlags): SendWords["transaction"] {
  if (transaction === undefined) {
    if (group !== undefined)
      throw new UsageMistake("--group goes with --transaction: it is who may be asked about it.");
    return undefined;
  }
  const end = readChoice("--transaction", transaction, TRANSACTION_ENDS);
  if (group === undefined) throw new UsageMistake("--transaction needs --group: who may be asked about it.");
  return { end, group };
}
