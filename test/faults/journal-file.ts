/** Where things stand in a segment, read by docs/operating/data-format.md and by nothing else. */
const SEGMENT_HEADER_BYTES = 36;
const GROUP_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 8;

export interface GroupPlace {
  readonly from: number;
  readonly to: number;
  /** Where each frame ends. */
  readonly frameEnds: readonly number[];
}

/** The whole frame groups of a segment, one behind the other. */
export function groupsOf(segment: Buffer): GroupPlace[] {
  const groups: GroupPlace[] = [];
  let from = SEGMENT_HEADER_BYTES;
  while (from + GROUP_HEADER_BYTES <= segment.length) {
    let at = from + GROUP_HEADER_BYTES;
    const to = at + segment.readUInt32LE(from + 4);
    if (to > segment.length) break;
    const frameEnds: number[] = [];
    while (at < to) {
      at += FRAME_HEADER_BYTES + segment.readUInt32LE(at + 4);
      frameEnds.push(at);
    }
    groups.push({ from, to, frameEnds });
    from = to;
  }
  return groups;
}
