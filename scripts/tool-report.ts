import type { Finding } from "./finding.ts";

/** What a tool found, and which files it looked at: finding nothing counts only where it looked. */
export interface ToolReport {
  readonly findings: readonly Finding[];
  readonly visited: readonly string[];
}
