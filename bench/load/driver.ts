/** How the clients of one peer are written: `load/drivers/` has one for each. */
export interface Driver {
  /** Makes an empty place for a round and opens its clients. What was left by the round before is forgotten or left alone. */
  begin(place: Place): Promise<Clients>;
}

export interface Place {
  /** A name that no other round has. */
  readonly name: string;
  readonly publishers: number;
  readonly consumers: number;
  readonly kind: MessageKind;
  readonly bodyBytes: number;
}

/** What only stagemq and its like tell apart; all others publish plainly. `half-commit` is two requests. */
export type MessageKind = "normal" | "ordered" | "delayed" | "half" | "half-commit";

export interface Clients {
  readonly publishers: readonly Publisher[];
  readonly consumers: readonly Consumer[];
  close(): Promise<void>;
}

export interface Publisher {
  /** A message whose body begins with the label. Resolves once it is confirmed, to its id where there is one. */
  publish(label: string): Promise<string | undefined>;
}

export interface Consumer {
  /** Takes batches of up to 16 and acknowledges them, until the taker has enough. */
  consume(taker: Taker): Promise<void>;
}

export interface Taker {
  readonly isDone: boolean;
  /** The labels of what came, before it is acknowledged. */
  received(labels: readonly string[]): void;
}

export const BATCH = 16;
export const LABEL_BYTES = 16;

/** What follows the label in a body. */
export function padOf({ bodyBytes }: Place): string {
  return "x".repeat(bodyBytes - LABEL_BYTES);
}

/** The label of a message whose body is given as bytes. */
export function labelOf(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, LABEL_BYTES).toString("latin1");
}

/** One of the packages of `bench/package.json`: they are installed only to measure, so their types are written where they are used. */
export async function loadClient<Library>(name: string): Promise<Library> {
  return (await import(name)) as Library;
}
