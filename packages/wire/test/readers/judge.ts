/** All seven reader models, and the verdict of all of them on one response. */
import { cppReader } from "./cpp-reader.ts";
import { csharpReader } from "./csharp-reader.ts";
import { goReader } from "./go-reader.ts";
import { javaReader } from "./java-reader.ts";
import { nodeReader } from "./node-reader.ts";
import { phpReader } from "./php-reader.ts";
import { pythonReader } from "./python-reader.ts";
import type { Reader } from "./reader.ts";
import type { Operation, RawResponse } from "./seen.ts";

export type { Operation, RawResponse, Reading, Sdk, Seen } from "./seen.ts";

/** The seven, in the order of the table of facts. */
export const readers: readonly Reader[] = [
  goReader,
  nodeReader,
  javaReader,
  pythonReader,
  phpReader,
  csharpReader,
  cppReader,
];

/** The problems that the seven SDKs have with a response, each beginning with the SDK's name; none when all can read it. */
export function judge(response: RawResponse, operation: Operation): string[] {
  return readers.flatMap((reader) => reader.read(response, operation).problem ?? []);
}
