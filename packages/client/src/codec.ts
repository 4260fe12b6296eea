/** How values become bodies of messages, and bodies values again. What it throws reaches the caller. */
export interface Codec<T> {
  /** The body of a message that is to be published. */
  encode(value: T): string;
  /** The value of a body that came; called once a delivery. */
  decode(text: string): T;
}

/** Bodies as they are. */
export const text: Codec<string> = { encode: (value) => value, decode: (body) => body };

/** Bodies in JSON. Nothing checks that a body has the type: give a codec of your own where senders cannot be trusted. */
export function json<T>(): Codec<T> {
  return { encode: (value) => JSON.stringify(value), decode: (body) => JSON.parse(body) as T };
}
