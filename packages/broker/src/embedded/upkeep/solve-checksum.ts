/**
 * The 32 bits with which a checksum comes out as it must. A CRC is linear: each bit of what is summed turns the same bits of
 * the sum, whatever the others are; so there is a system of 32 equations, and for 32 bits in a row it has one solution.
 */
export function solveChecksum(checksumWith: (bits: number) => number, target: number): number {
  const none = checksumWith(0);
  /** By its highest bit: what turns in the checksum, and which bits turn it. */
  const rows: ({ readonly turns: number; readonly bits: number } | undefined)[] = [];
  const reduce = (turned: number, with_: number): { turns: number; bits: number } => {
    let turns = turned;
    let bits = with_;
    for (let bit = 31; bit >= 0; bit--) {
      const row = rows[bit];
      if (row === undefined || ((turns >>> bit) & 1) === 0) continue;
      turns = (turns ^ row.turns) >>> 0;
      bits = (bits ^ row.bits) >>> 0;
    }
    return { turns, bits };
  };
  for (let bit = 0; bit < 32; bit++) {
    const row = reduce((checksumWith((1 << bit) >>> 0) ^ none) >>> 0, (1 << bit) >>> 0);
    if (row.turns !== 0) rows[31 - Math.clz32(row.turns)] = row;
  }
  return reduce((target ^ none) >>> 0, 0).bits;
}
