import type { RecordableHistogram } from "node:perf_hooks";

export interface PublishFigures {
  readonly count: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** What the clients themselves used of their core. */
  readonly clientShare: number;
}

export interface ConsumeFigures {
  readonly count: number;
  readonly seconds: number;
  readonly again: number;
  readonly clientShare: number;
}

export interface LatencyFigures {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Published, but not received within the bound. */
  readonly missing: number;
}

const MICROS = 1_000;

/** In whole microseconds, the least that a histogram keeps. */
export function recordMs(histogram: RecordableHistogram, ms: number): void {
  histogram.record(Math.max(1, Math.round(ms * MICROS)));
}

export function percentileMs(histogram: RecordableHistogram, percentile: number): number {
  return histogram.percentile(percentile) / MICROS;
}

export function maxMs(histogram: RecordableHistogram): number {
  return histogram.max / MICROS;
}
