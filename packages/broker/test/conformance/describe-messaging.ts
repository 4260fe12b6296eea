import { describe, it } from "vitest";
import type { EngineSettings } from "../../src/embedded/settings.ts";
import { Bench, DEFAULTS, type EngineUnderTest } from "./bench.ts";

export interface RuleOptions {
  readonly settings?: Partial<EngineSettings>;
  /** The test restarts the broker itself. */
  readonly restarts?: boolean;
  /** Why this test means nothing where the broker is restarted after every step. */
  readonly notWithRestarts?: string;
}

/** Declares the test of one sentence of the rule book: its number, and the sentence that is false when it fails. */
export type Rule = (
  number: string,
  sentence: string,
  test: (bench: Bench) => Promise<void>,
  options?: RuleOptions,
) => void;

/** Runs the rules over one engine. What means nothing there is skipped with a printed sentence. */
export function describeMessaging(
  under: EngineUnderTest,
  families: Readonly<Record<string, (rule: Rule) => void>>,
): void {
  describe(under.name, () => {
    for (const [name, declareRules] of Object.entries(families)) {
      describe(name, () => {
        declareRules((number, sentence, test, options = {}) => {
          it(`${number}: ${sentence}`, async (context) => {
            const why = whyNot(under, options);
            if (why !== undefined) context.skip(why);
            const opened = await under.open({ ...DEFAULTS, ...options.settings });
            const bench = new Bench(under, opened);
            await test(bench);
            await bench.close();
          });
        });
      });
    }
  });
}

function whyNot(under: EngineUnderTest, options: RuleOptions): string | undefined {
  if (options.restarts && !under.keeps) return "nothing is kept in memory, so there is nothing to restart from";
  if (under.restartsAlways) return options.notWithRestarts;
  return undefined;
}
