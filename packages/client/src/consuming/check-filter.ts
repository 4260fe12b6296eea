import { InvalidArgumentError } from "../errors/invalid-argument-error.ts";
import { quote } from "../quote.ts";

const MAX_FILTER_TAGS = 128;

/** Refuses what the broker would refuse, in its words. */
export function checkFilter(expression: string): string {
  if (typeof expression !== "string") {
    throw new InvalidArgumentError(
      `The filter is ${quote(expression)}; it should be a text: a tag, or several, "a||b".`,
    );
  }
  const tags = expression
    .split("||")
    .map((tag) => tag.trim())
    .filter((tag) => tag !== "");
  const count = new Set(tags).size;
  if (count <= MAX_FILTER_TAGS) return expression;
  throw new InvalidArgumentError(`The filter names ${count} tags; ${MAX_FILTER_TAGS} are allowed.`);
}
