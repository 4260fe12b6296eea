import type { SeededRandom } from "../../crash/seeded-random.ts";

/** One to four wounds: bytes changed, doubled, lost, torn in from another request, or foreign. */
export function woundBytes(sound: Buffer, other: Buffer, random: SeededRandom): Buffer {
  let bytes = sound;
  for (let wounds = 1 + random.below(4); wounds > 0; wounds--) {
    const at = random.below(bytes.length + 1);
    const length = random.below(random.percent(25) ? 200 : 4);
    const hit = bytes.subarray(at, at + length);
    const from = random.below(other.length);
    const replacement = random.pick([
      () => Buffer.from(hit.map((byte) => byte ^ (1 << random.below(8)))),
      () => Buffer.from(hit.map(() => random.below(256))),
      () => Buffer.concat([hit, hit]),
      () => Buffer.alloc(0),
      () => other.subarray(from, from + length),
      () => Buffer.from(random.pick(["\r\n", "\r\n\r\n", "\0", "\n", "\r", ":", "%", "<", "\u{1F984}"])),
    ])();
    bytes = Buffer.concat([bytes.subarray(0, at), replacement, bytes.subarray(at + length)]);
  }
  return bytes;
}
