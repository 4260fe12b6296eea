import type { Host } from "../host.ts";

const SLOW_MS = 1_000;

/** Tells a person for what it waits, unless it is over by then. What is returned says that it is over. */
export function tellIfSlow({ terminal, tell }: Pick<Host, "terminal" | "tell">, sentence: string): () => void {
  if (!terminal) return () => {};
  const timer = setTimeout(() => tell(`${sentence}\n`), SLOW_MS);
  return () => clearTimeout(timer);
}
