import type { FuzzInput } from "./draw-input.ts";

const MAX_TRIES = 60;

/** The fewest bytes found that still do what the input does: in one piece if that will do, then without whatever can be left out. */
export async function shrinkInput(
  input: FuzzInput,
  isWrong: (input: FuzzInput) => Promise<boolean>,
): Promise<FuzzInput> {
  let tries = 0;
  const stillWrong = async (candidate: FuzzInput) => ++tries <= MAX_TRIES && (await isWrong(candidate));
  const whole = { ...input, pieces: [Buffer.concat(input.pieces)] };
  let least = (await stillWrong(whole)) ? whole : input;
  for (let size = 4_096; size >= 1 && tries < MAX_TRIES; size >>= 2) {
    for (let place = 0; place < least.pieces.length; place++) {
      for (let at = 0; at < (least.pieces[place]?.length ?? 0); ) {
        const from = at;
        const pieces = least.pieces.map((bytes, other) =>
          other === place ? Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + size)]) : bytes,
        );
        if (await stillWrong({ ...least, pieces })) least = { ...least, pieces };
        else at += size;
        if (tries >= MAX_TRIES) return least;
      }
    }
  }
  return least;
}
