import { SeededRandom } from "../../crash/seeded-random.ts";
import { soundRequest, spoiltRequest } from "./spoil-request.ts";

/** What one connection is sent: one to five requests in a row, at least one of them spoilt, in pieces cut anywhere. */
export interface FuzzInput {
  readonly pieces: readonly Buffer[];
  /** What the client does when all is sent. */
  readonly afterwards: "ask-on" | "half-close" | "reset";
}

/** The same for the same seed and number, whatever was drawn before. */
export function drawInput(seed: number, number: number): FuzzInput {
  const random = new SeededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b));
  const requests = [spoiltRequest(random)];
  if (random.percent(25)) {
    for (let more = random.below(4); more >= 0; more--) {
      const next = random.percent(50) ? spoiltRequest(random) : soundRequest(random);
      requests.splice(random.below(requests.length + 1), 0, next);
    }
  }
  const bytes = Buffer.concat(requests);
  const cuts = random.percent(30) ? Array.from({ length: 1 + random.below(4) }, () => random.below(bytes.length)) : [];
  const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
  const pieces = places.slice(1).map((end, place) => bytes.subarray(places[place], end));
  const way = random.below(100);
  return { pieces, afterwards: way < 3 ? "half-close" : way < 6 ? "reset" : "ask-on" };
}
