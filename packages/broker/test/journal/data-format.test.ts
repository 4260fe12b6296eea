import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { DATA_FORMAT } from "../../src/domain/version.ts";
import { ByteWriter } from "../../src/embedded/journal/binary.ts";
import type { Fact } from "../../src/embedded/journal/fact.ts";
import { decodeFact, encodeFact } from "../../src/embedded/journal/fact-codec.ts";
import { FaultyDisk } from "../../src/testing/faulty-disk.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { aFact, aWorld, DIRECTORY, FIRST_SEGMENT } from "./open-journal.ts";
import { Tally } from "./tally.ts";

/** Reads what stagemq writes by nothing but the tables of the page. */

const page = readFileSync(new URL("../../../../docs/operating/data-format.md", import.meta.url), "utf8");

/** The cells of the table under a heading, without its head. */
function tableOf(heading: string): string[][] {
  const [, section = ""] = page.split(`\n### ${heading}\n`);
  const lines = (section.split(/\n#+ /)[0] ?? "").split("\n").filter((line) => line.startsWith("|"));
  return lines.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split(" | ")
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
}

/** Reads a header's fields at `start`, by its table. */
function readHeader(heading: string, bytes: Buffer, start = 0): Record<string, number> {
  const fields = tableOf(heading).filter(([, length]) => Number(length) <= 6);
  return Object.fromEntries(
    fields.map(([at, length, name]) => [name, bytes.readUIntLE(start + Number(at), Number(length))]),
  );
}

function sizeOf(heading: string): number {
  const [at, length] = tableOf(heading).at(-1) ?? [];
  return Number(at) + Number(length);
}

const WORDS = new Map(
  tableOf("Words").map(([type = "", words = ""]) => [
    type,
    new Map(words.split(", ").map((word) => word.split(" ") as [string, string])),
  ]),
);
const PARTS = new Map(tableOf("Parts").map(([type = "", fields = ""]) => [type, fieldsOf(fields)]));
const KINDS = tableOf("Kinds").map(([code, kind, fields = ""]) => ({
  code: Number(code),
  kind,
  fields: fieldsOf(fields),
}));

interface Field {
  readonly name: string;
  readonly type: string;
  readonly isOptional: boolean;
}

function fieldsOf(text: string): Field[] {
  return [...text.matchAll(/(\w+)(\??): ((?:list of )?(?:\([^)]*\)|\w+))/g)].map(([, name = "", mark, type = ""]) => ({
    name,
    type,
    isOptional: mark === "?",
  }));
}

class PageReader {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  whole(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes.readUInt8(this.at++);
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
  }

  bytes(length: number): Buffer {
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  value(type: string): unknown {
    if (type === "whole") return this.whole();
    if (type === "text") return this.bytes(this.whole()).toString();
    if (type === "hex16") return this.bytes(16).toString("hex").toUpperCase();
    if (type === "flag") return this.bytes(1)[0] === 1;
    const { item, pair, words, part } = partsOf(type);
    if (item !== undefined) return Array.from({ length: this.whole() }, () => this.value(item));
    if (pair) return pair.map((each) => this.value(each));
    if (part) return this.fields(part);
    const code = String(this.whole());
    return [...words].find(([, other]) => other === code)?.[0];
  }

  fields(fields: readonly Field[]): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (const { name, type } of fields.filter(({ isOptional }) => !isOptional)) values[name] = this.value(type);
    const others = fields.filter(({ isOptional }) => isOptional);
    const present = others.length > 0 ? this.whole() : 0;
    for (const [bit, { name, type }] of others.entries()) if (present & (1 << bit)) values[name] = this.value(type);
    return values;
  }
}

function partsOf(type: string) {
  const item = /^list of (.*)$/.exec(type)?.[1];
  const pair = /^\((.*)\)$/.exec(type)?.[1]?.split(", ");
  const [words, part] = [WORDS.get(type) ?? new Map<string, string>(), PARTS.get(type)];
  if (item === undefined && !pair && !part && words.size === 0)
    throw new Error(`The page does not say what ${type} is.`);
  return { item, pair, words, part };
}

/** Some value of a type of the page. */
function draw(type: string, random: SeededRandom): unknown {
  if (type === "whole") return random.below(3) > 0 ? random.below(300) : 2 ** 53 - 1 - random.below(300);
  if (type === "text") return "é€😀".repeat(random.below(30));
  if (type === "hex16") return Buffer.from(random.bytes(16)).toString("hex").toUpperCase();
  if (type === "flag") return random.below(2) === 0;
  const { item, pair, words, part } = partsOf(type);
  if (item !== undefined) return Array.from({ length: random.below(4) }, () => draw(item, random));
  if (pair) return pair.map((each) => draw(each, random));
  return part ? drawFields(part, random) : [...words.keys()][random.below(words.size)];
}

function drawFields(fields: readonly Field[], random: SeededRandom): Record<string, unknown> {
  const there = fields.filter(({ isOptional }) => !isOptional || random.below(2) === 0);
  return Object.fromEntries(there.map(({ name, type }) => [name, draw(type, random)]));
}

describe("docs/operating/data-format.md", () => {
  it("DUR-5.1: is of the format that is written", () => {
    expect(page).toContain(`# The data directory: format ${DATA_FORMAT}\n`);
  });

  it("tells the form of every kind of fact, so that it can be read by the page alone", () => {
    const random = new SeededRandom(5);
    for (const { code, kind, fields } of KINDS) {
      for (let time = 0; time < 40; time++) {
        const fact = { kind, ...drawFields(fields, random) } as unknown as Fact;
        const writer = new ByteWriter(64);
        encodeFact(writer, fact);
        const bytes = writer.buffer.subarray(0, writer.at);
        const reader = new PageReader(bytes, 2);
        expect([...bytes.subarray(0, 2)]).toEqual([1, code]);
        expect({ kind, ...reader.fields(fields) }).toEqual(fact);
        expect(reader.at).toBe(bytes.length);
      }
    }
  });

  it("knows all kinds of facts", () => {
    const unknown = Array.from({ length: 256 }, (_, code) => code).filter((code) => {
      try {
        decodeFact(Buffer.from([1, code]), 0, 2);
        return false;
      } catch (error) {
        return String(error).includes("unknown kind");
      }
    });
    expect(KINDS.map(({ code }) => code)).toEqual(
      Array.from({ length: 256 }, (_, code) => code).filter((code) => !unknown.includes(code)),
    );
  });

  it("tells where everything stands in a segment", async () => {
    const disk = new FaultyDisk(new SeededRandom(1));
    const { journal } = await Tally.start(aWorld(), disk);
    await journal.synced(journal.append([aFact(7), aFact(8)])[1] as number);
    await journal.synced(journal.append([aFact(9)])[0] as number);
    await journal.close();
    const bytes = disk.bytesOf(FIRST_SEGMENT);
    expect([...bytes.subarray(0, 8)]).toEqual([...Buffer.from("stagemq"), 1]);
    const segment = readHeader("Segment header", bytes);
    expect(segment).toMatchObject({
      number: 1,
      base: 0,
      sequence: 0,
      previous: 0,
      checksum: crc32(bytes.subarray(0, 32)),
    });

    const offsets: number[] = [];
    let [sequence, previous] = [0, 0];
    for (let at = sizeOf("Segment header"); at < bytes.length; sequence += 1) {
      const group = readHeader("Group header", bytes, at) as { length: number; checksum: number };
      const start = at + sizeOf("Group header");
      const position = Buffer.alloc(6);
      position.writeUIntLE(at, 0, 6);
      expect(group).toMatchObject({
        sequence,
        previous,
        unused: 0,
        syncedTo: at,
        checksum: crc32(bytes.subarray(at + 4, start), crc32(position, segment.seed)),
        frames: crc32(bytes.subarray(start, start + group.length)),
      });
      for (at = start; at < start + group.length; ) {
        const frame = readHeader("Frame", bytes, at) as { length: number };
        expect(frame).toMatchObject({
          checksum: crc32(bytes.subarray(at + 4, at + 8 + frame.length)),
          version: 1,
          code: 5,
        });
        const fields = KINDS.find(({ code }) => code === 5)?.fields ?? [];
        const { offset } = new PageReader(bytes, at + sizeOf("Frame")).fields(fields);
        offsets.push(offset as number);
        at += 8 + frame.length;
      }
      previous = group.checksum;
    }
    expect(offsets).toEqual([7, 8, 9]);
    expect(sequence).toBe(3); // the quiet header is one
  });

  it("tells where everything stands in a snapshot", async () => {
    const disk = new FaultyDisk(new SeededRandom(1));
    const tally = await Tally.start(aWorld(), disk);
    await tally.store(12);
    await tally.keep();
    const path = disk.paths().find((each) => each.endsWith(".snap")) as string;
    const bytes = disk.bytesOf(path);
    expect([...bytes.subarray(0, 8)]).toEqual([...Buffer.from("stagesn"), 1]);
    const header = readHeader("Snapshot header", bytes) as { offset: number; checksum: number };
    const group = readHeader("Group header", disk.bytesOf(FIRST_SEGMENT), header.offset);
    const position = Number.parseInt(path.slice(DIRECTORY.length + 1), 10);
    expect(header).toMatchObject({
      position,
      segment: 1,
      sequence: group.sequence,
      group: group.checksum,
      checksum: crc32(bytes.subarray(0, 34)),
    });
    const state: Buffer[] = [];
    let at = sizeOf("Snapshot header");
    for (let { checksum } = header, length = -1; length !== 0; ) {
      const slice = readHeader("Slice", bytes, at) as { length: number; checksum: number };
      const start = at + sizeOf("Slice");
      ({ length } = slice);
      const content = bytes.subarray(start, start + length);
      expect(slice.checksum).toBe(crc32(content, crc32(bytes.subarray(at + 4, at + 8), checksum)));
      ({ checksum } = slice);
      if (length > 0) state.push(content);
      at = start + length;
    }
    expect(at).toBe(bytes.length);
    expect(state.flatMap((slice) => JSON.parse(slice.toString()))).toEqual(tally.numbers);
  });
});
