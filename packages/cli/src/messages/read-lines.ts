/** A line of a file, without its end. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

const LINE_FEED = 0x0a;

/** Cuts bytes into lines; holds one of them at a time. Nothing after the last line feed is no line. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line, void> {
  let number = 1;
  let begun: Uint8Array[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      yield { number, bytes: Buffer.concat([...begun, chunk.subarray(start, end)]) };
      [number, begun, start] = [number + 1, [], end + 1];
    }
    if (start < chunk.length) begun.push(chunk.subarray(start));
  }
  if (begun.length > 0) yield { number, bytes: Buffer.concat(begun) };
}
