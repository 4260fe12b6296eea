/** The only source of randomness; in tests seeded, the same on every machine. */
export interface Random {
  bytes(length: number): Uint8Array;
  /** A whole number from 0 up to, not including, `bound` (at most 2^48). */
  below(bound: number): number;
}
