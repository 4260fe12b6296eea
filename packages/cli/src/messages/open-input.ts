import { open } from "node:fs/promises";
import { EXIT } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import { UsageMistake } from "../usage-mistake.ts";

/** Bytes to read, and how many there are if that is known. */
export interface Input {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly totalBytes: number | undefined;
}

/** A file, or `-` for standard input. */
export async function openInput(path: string, host: Pick<Host, "readInput">): Promise<Input> {
  if (path === "-") return { chunks: host.readInput(), totalBytes: undefined };
  try {
    const file = await open(path);
    const found = await file.stat();
    if (!found.isDirectory())
      return { chunks: file.createReadStream(), totalBytes: found.isFile() ? found.size : undefined };
    await file.close();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new UsageMistake(`${path} does not exist (--file).`, EXIT.notFound);
    if (code === "EACCES") throw new UsageMistake(`${path} may not be read (--file).`, EXIT.denied);
    throw error;
  }
  throw new UsageMistake(`${path} is a directory (--file).`);
}

/** All of it, in one piece. */
export async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/** Ends when there are no more, or when the signal is aborted. */
export async function* until(
  { signal }: { readonly signal: AbortSignal },
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  const iterator = chunks[Symbol.asyncIterator]();
  const aborted = new Promise<undefined>((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  while (!signal.aborted) {
    const next = await Promise.race([iterator.next(), aborted]);
    if (next === undefined || next.done) return;
    yield next.value;
  }
}
