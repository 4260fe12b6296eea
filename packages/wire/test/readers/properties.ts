import { type Fields, withText } from "./seen.ts";

/** Properties as all SDKs but C# and C++ take them: pairs between bars, and a pair that is not exactly two parts is none. */
export function propertiesBetweenBars(text = ""): Fields {
  const pairs = text.split("|").map((pair) => pair.split(":"));
  return withText(pairs.filter((parts) => parts.length === 2).map(([key = "", value = ""]) => [key, value]));
}
