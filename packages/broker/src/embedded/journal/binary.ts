/** Values as bytes: a writer, a reader, and shapes that say how one sort of value is written and read back. */

/** Bytes that are not what their shape says. Every failure to read is one of these. */
export class UnreadableBytes extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UnreadableBytes";
  }
}

/** Grows as needed; `at` is the end of what was written. */
export class ByteWriter {
  buffer: Buffer;
  at = 0;

  constructor(capacity: number) {
    this.buffer = Buffer.allocUnsafe(capacity);
  }

  reserve(bytes: number): void {
    const needed = this.at + bytes;
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }

  byte(value: number): void {
    this.reserve(1);
    this.buffer[this.at++] = value;
  }

  /** Seven bits a byte, the lowest first. */
  whole(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`${value} is no whole number from 0 up.`);
    this.reserve(8);
    const { buffer } = this;
    let at = this.at;
    let rest = value;
    // Bit operators know 32 bits only: larger numbers give their low 28 bits first.
    while (rest >= 0x1000_0000) {
      const low = rest % 0x1000_0000;
      buffer[at] = low | 0x80;
      buffer[at + 1] = (low >>> 7) | 0x80;
      buffer[at + 2] = (low >>> 14) | 0x80;
      buffer[at + 3] = (low >>> 21) | 0x80;
      at += 4;
      rest = Math.floor(rest / 0x1000_0000);
    }
    while (rest >= 0x80) {
      buffer[at++] = rest | 0x80;
      rest >>>= 7;
    }
    buffer[at++] = rest;
    this.at = at;
  }

  /** UTF-8 behind its length in bytes. */
  text(value: string): void {
    if (value.length <= 42) {
      // At most 126 bytes: the length takes one byte, known after the text was written.
      this.reserve(128);
      const bytes = value.length === 0 ? 0 : this.buffer.write(value, this.at + 1);
      this.buffer[this.at] = bytes;
      this.at += 1 + bytes;
      return;
    }
    const bytes = Buffer.byteLength(value);
    this.whole(bytes);
    this.reserve(bytes);
    this.at += this.buffer.write(value, this.at);
  }

  hex(value: string, bytes: number): void {
    this.reserve(bytes);
    const written = value.length === bytes * 2 ? this.buffer.write(value, this.at, bytes, "hex") : 0;
    if (written !== bytes) throw new TypeError(`${JSON.stringify(value)} is not ${bytes} bytes in hex.`);
    this.at += bytes;
  }
}

/** Reads from `at` up to, not including, `end`; never beyond, whatever the bytes say. */
export class ByteReader {
  readonly buffer: Buffer;
  at: number;
  readonly end: number;

  constructor(buffer: Buffer, at: number, end: number) {
    this.buffer = buffer;
    this.at = at;
    this.end = end;
  }

  byte(): number {
    if (this.at >= this.end) throw new UnreadableBytes("The bytes end too early.");
    return this.buffer[this.at++] as number;
  }

  whole(): number {
    const first = this.byte();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let scale = 0x80; ; scale *= 0x80) {
      const next = this.byte();
      value += (next & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw new UnreadableBytes("A number is too large.");
      if (next < 0x80) return value;
      if (scale > Number.MAX_SAFE_INTEGER / 0x80) throw new UnreadableBytes("A number is too long.");
    }
  }

  /** A count of things that take at least a byte each: never more than there are bytes, so that nothing is allocated for a lie. */
  count(): number {
    const count = this.whole();
    if (count > this.end - this.at) throw new UnreadableBytes("A length leads beyond the end.");
    return count;
  }

  text(): string {
    const bytes = this.skipText();
    if (bytes === 0) return "";
    return this.buffer.toString("utf8", this.at - bytes, this.at);
  }

  skip(bytes: number): void {
    if (bytes > this.end - this.at) throw new UnreadableBytes("The bytes end too early.");
    this.at += bytes;
  }

  /** Passes over a text; returns its length in bytes. */
  skipText(): number {
    const bytes = this.count();
    this.at += bytes;
    return bytes;
  }

  hex(bytes: number): string {
    this.skip(bytes);
    return this.buffer.toString("hex", this.at - bytes, this.at).toUpperCase();
  }
}

export interface Shape<T> {
  write(to: ByteWriter, value: T): void;
  read(from: ByteReader): T;
}

export const whole: Shape<number> = {
  write: (to, value) => to.whole(value),
  read: (from) => from.whole(),
};

export const text: Shape<string> = {
  write: (to, value) => to.text(value),
  read: (from) => from.text(),
};

/** 32 upper-case hex digits, in 16 bytes. */
export const hex16: Shape<string> = {
  write: (to, value) => to.hex(value, 16),
  read: (from) => from.hex(16),
};

export const flag: Shape<boolean> = {
  write: (to, value) => to.byte(value ? 1 : 0),
  read: (from) => from.byte() !== 0,
};

/** One of a few words, each with a number that never changes. */
export function word<T extends string>(codes: Readonly<Record<T, number>>): Shape<T> {
  const words: (T | undefined)[] = [];
  for (const [known, code] of Object.entries<number>(codes)) words[code] = known as T;
  return {
    write: (to, value) => to.whole(codes[value]),
    read: (from) => words[from.whole()] ?? unknownWord(),
  };
}

function unknownWord(): never {
  throw new UnreadableBytes("A word is not known.");
}

export function list<T>(item: Shape<T>): Shape<readonly T[]> {
  return {
    write(to, values) {
      to.whole(values.length);
      for (const value of values) item.write(to, value);
    },
    read(from) {
      const values: T[] = [];
      for (let left = from.count(); left > 0; left--) values.push(item.read(from));
      return values;
    },
  };
}

export function pair<A, B>(first: Shape<A>, second: Shape<B>): Shape<readonly [A, B]> {
  return {
    write(to, value) {
      first.write(to, value[0]);
      second.write(to, value[1]);
    },
    read: (from) => [first.read(from), second.read(from)],
  };
}

interface OptionalField<T> {
  readonly optional: Shape<T>;
}

/** For a property that may be absent. */
export function optional<T>(shape: Shape<T>): OptionalField<T> {
  return { optional: shape };
}

/** A shape for each property, and `optional` exactly where the property is. */
export type Fields<T> = {
  readonly [K in keyof T]-?: Partial<Pick<T, K>> extends Pick<T, K> ? OptionalField<NonNullable<T[K]>> : Shape<T[K]>;
};

/** The required properties one after the other, then a number whose bits say which optional ones follow. */
export function record<T extends object>(fields: Fields<T>, constant?: Partial<T>): Shape<T> {
  const required: Field[] = [];
  const optionals: Field[] = [];
  for (const [name, field] of Object.entries<Shape<unknown> | OptionalField<unknown>>(fields)) {
    if ("optional" in field) optionals.push({ name, shape: field.optional, bit: 1 << optionals.length });
    else required.push({ name, shape: field, bit: 0 });
  }
  // Copied, then filled: V8 does that far faster than adding property after property.
  const blank = { ...constant, ...Object.fromEntries(required.map(({ name }) => [name, undefined])) };
  return {
    write(to, value) {
      const values = value as Record<string, unknown>;
      for (const { name, shape } of required) shape.write(to, values[name]);
      if (optionals.length === 0) return;
      let present = 0;
      for (const { name, bit } of optionals) if (values[name] !== undefined) present |= bit;
      to.whole(present);
      for (const { name, shape } of optionals) if (values[name] !== undefined) shape.write(to, values[name]);
    },
    read(from) {
      const values: Record<string, unknown> = { ...blank };
      for (const { name, shape } of required) values[name] = shape.read(from);
      if (optionals.length === 0) return values as T;
      const present = from.whole();
      if (present >= 1 << optionals.length) throw new UnreadableBytes("A property is not known.");
      for (const { name, shape, bit } of optionals) if (present & bit) values[name] = shape.read(from);
      return values as T;
    },
  };
}

interface Field {
  readonly name: string;
  readonly shape: Shape<unknown>;
  readonly bit: number;
}
