/** Refuses what the official SDK asserts, in its words. */
export function needed(value: unknown, name: string): void {
  if (!value) throw new TypeError(`"${name}" must be passed in`);
}
