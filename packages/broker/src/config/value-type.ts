import { type Address, formatAddress } from "../domain/address.ts";
import { grouped } from "../domain/grouped.ts";
import { nearestName } from "../domain/nearest-name.ts";
import { KIB, MIB } from "../domain/size.ts";
import { DAY, type DurationMs, HOUR, MINUTE, parseDuration, SECOND } from "../domain/time.ts";

/** How one sort of value is written, wherever it is written. */
export interface ValueType<T> {
  /** Undefined when the text is no such value. */
  read(text: string): T | undefined;
  /** How a default is written. */
  write(value: T): string;
  /** What would be right: goes after "must be". */
  readonly mustBe: string;
  /** The words there are to choose from, if they can be counted. */
  readonly words?: readonly string[];
}

export const text: ValueType<string> = {
  read: (given) => (given === "" ? undefined : given),
  write: String,
  mustBe: "text",
};

export const instanceName: ValueType<string> = {
  read: (given) => (/^[A-Za-z0-9_-]{1,64}$/.test(given) ? given : undefined),
  write: String,
  mustBe: '1 to 64 letters, digits, "_" or "-"',
};

export const yesOrNo: ValueType<boolean> = {
  read: (given) => ({ true: true, "1": true, false: false, "0": false })[given.toLowerCase()],
  write: String,
  mustBe: "true or false",
  words: ["true", "false"],
};

export const address: ValueType<Address> = {
  read: readAddress,
  write: formatAddress,
  mustBe: "HOST:PORT, for example 127.0.0.1:4876",
};

function readAddress(given: string): Address | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:/[\]@]+)):(\d{1,5})$/i.exec(given);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host !== undefined && port <= 65_535 ? { host, port } : undefined;
}

export function oneOf<const T extends string>(...words: readonly T[]): ValueType<T> {
  return {
    read: (given) => words.find((word) => word === given),
    write: (value) => value,
    mustBe: `one of ${words.join(", ")}`,
    words,
  };
}

export function wholeNumber(least: number, most: number): ValueType<number> {
  return {
    read: (given) => between(least, most, /^\d{1,15}$/.test(given) ? Number(given) : undefined),
    write: String,
    mustBe: `a whole number from ${grouped(least)} to ${grouped(most)}`,
  };
}

const LONGEST: DurationMs = 366 * DAY;
const DURATION_UNITS = [
  ["d", DAY],
  ["h", HOUR],
  ["m", MINUTE],
  ["s", SECOND],
  ["ms", 1],
] as const;

export function duration(least: DurationMs): ValueType<DurationMs> {
  return {
    read: (given) => between(least, LONGEST, parseDuration(given)),
    write: (value) => inLargestUnit(value, DURATION_UNITS),
    mustBe: `a time from ${inLargestUnit(least, DURATION_UNITS)} to ${inLargestUnit(LONGEST, DURATION_UNITS)}, for example 90s, 5m or 24h`,
  };
}

const SIZE_UNITS = [
  ["GiB", 2 ** 30],
  ["MiB", MIB],
  ["KiB", KIB],
  ["", 1],
] as const;

export function size(least: number): ValueType<number> {
  return {
    read: (given) => between(least, Number.MAX_SAFE_INTEGER, readSize(given)),
    write: (value) => inLargestUnit(value, SIZE_UNITS),
    mustBe: `a size of at least ${inLargestUnit(least, SIZE_UNITS)}, for example ${inLargestUnit(Math.max(least, 4 * MIB), SIZE_UNITS)}`,
  };
}

function readSize(given: string): number | undefined {
  const match = /^(\d{1,15})(GiB|MiB|KiB|)$/.exec(given);
  const unit = SIZE_UNITS.find(([name]) => name === match?.[2]);
  return match && unit ? Number(match[1]) * unit[1] : undefined;
}

function inLargestUnit(value: number, units: readonly (readonly [name: string, size: number])[]): string {
  const [name, size] = units.find(([, size]) => value >= size && value % size === 0) ?? ["", 1];
  return `${value / size}${name}`;
}

function between(least: number, most: number, value: number | undefined): number | undefined {
  return value !== undefined && value >= least && value <= most ? value : undefined;
}

/** ` Did you mean "x"?` where something near was meant, else nothing. */
export function didYouMean(given: string, known: readonly string[] = []): string {
  const meant = nearestName(given, known);
  return meant === undefined ? "" : ` Did you mean ${JSON.stringify(meant)}?`;
}
