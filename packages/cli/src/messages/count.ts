/** `1 message`, `2,000 messages`. */
export function count(amount: number, what: string, many = `${what}s`): string {
  return `${amount.toLocaleString("en-US")} ${amount === 1 ? what : many}`;
}
