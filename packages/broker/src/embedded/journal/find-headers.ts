import { MIB } from "../../domain/size.ts";
import type { DiskFile } from "../../runtime/disk.ts";
import { decodeGroupHeader, GROUP_HEADER_BYTES, type GroupHeader, type SegmentHeader } from "./segment.ts";

const WINDOW_BYTES = MIB;

/** Every group header behind the bad bytes that begin at offset `bad`. A bad length leads nowhere, so it is looked for byte by byte. */
export async function* findHeaders(
  segment: { readonly header: SegmentHeader; readonly file: Pick<DiskFile, "read">; readonly bytes: number },
  bad: number,
): AsyncGenerator<{ readonly offset: number; readonly header: GroupHeader }> {
  const { file, bytes } = segment;
  const { base, seed } = segment.header;
  for (let windowAt = bad + 1; windowAt < bytes; windowAt += WINDOW_BYTES) {
    const window = await file.read(windowAt, WINDOW_BYTES + GROUP_HEADER_BYTES - 1);
    const last = Math.min(WINDOW_BYTES, window.length - GROUP_HEADER_BYTES + 1);
    for (let at = 0; at < last; at++) {
      const offset = windowAt + at;
      const header = decodeGroupHeader(window, at, { seed, position: base + offset });
      if (header !== undefined) yield { offset, header };
    }
  }
}
