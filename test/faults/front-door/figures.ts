/** What a scenario measured, by name. */
export type Figures = Readonly<Record<string, number | string>>;

/** Fails the scenario, with what was measured, unless this holds. */
export function hold(sentence: string, holds: boolean, figures: Figures): void {
  if (!holds) throw new Error(`not so: ${sentence}; ${JSON.stringify(figures)}`);
}

/** The value that so many of a hundred stay within; 0 of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * share) / 100))] ?? 0);
}
