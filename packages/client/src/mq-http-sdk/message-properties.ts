import { KEYS, SHARDING_KEY, START_DELIVER_TIME, TRANS_CHECK_T } from "../messages/reserved-names.ts";

/** What `publishMessage` asks of the properties that it is given. */
export interface CustomProperties {
  getProperties(): Readonly<Record<string, string>>;
}

/** Key, properties and intent of a message. Null and undefined set nothing. */
export class MessageProperties implements CustomProperties {
  readonly properties: Record<string, string> = {};

  getProperties(): Record<string, string> {
    return this.properties;
  }

  /** A word to find the message by. */
  messageKey(key: string | number | null | undefined): void {
    this.#reserve(KEYS, key);
  }

  /** Not before this instant, in epoch milliseconds. What has passed is at once. */
  startDeliverTime(timeMillis: number | string | null | undefined): void {
    this.#reserve(START_DELIVER_TIME, timeMillis);
  }

  /** Makes it a half message, which is first asked about after so many seconds: 10 to 300. */
  transCheckImmunityTime(timeSeconds: number | string | null | undefined): void {
    this.#reserve(TRANS_CHECK_T, timeSeconds);
  }

  /** Messages with the same one are delivered in the order in which they were published. */
  shardingKey(key: string | number | null | undefined): void {
    this.#reserve(SHARDING_KEY, key);
  }

  /** A property of your own. @throws Error if name or value has one of `" ' & < > | :` */
  putProperty(key: string | null | undefined, value: string | number | boolean | null | undefined): void {
    const [name, text] = [String(key ?? ""), String(value ?? "")];
    if (name === "" || text === "") return;
    this.check(name);
    this.check(text);
    this.properties[name] = text;
  }

  /** @throws Error if the text has one of `" ' & < > | :` */
  check(key: string): void {
    if (/["'&<>|:]/.test(key)) throw new Error(`Property ${key} can not contains: " ' & < > | :`);
  }

  #reserve(name: string, value: string | number | null | undefined): void {
    if (value === null || value === undefined) return;
    const text = String(value);
    // What comes after a bar would be another property. A colon is left alone: the broker orders and finds by such keys.
    if (text.includes("|")) throw new Error(`Property ${text} can not contains: |`);
    this.properties[name] = text;
  }
}
