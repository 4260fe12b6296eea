/** A number for people: 4,194,304. */
export function grouped(count: number): string {
  return count.toLocaleString("en-US");
}
