/** What was given, for a sentence about it. Long texts are cut. */
export function quote(given: unknown): string {
  if (typeof given !== "string") return String(given);
  return JSON.stringify(given.length > 80 ? `${given.slice(0, 80)}…` : given);
}
