import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "./machine.ts";
import { BENCH } from "./places.ts";
import type { Form } from "./settings.ts";

/** What one turn measured: of one subject, a peer or a variant, in one round. */
export interface Sample {
  readonly workload: string;
  readonly subject: string;
  readonly round: number;
  readonly figures: Readonly<Record<string, number>>;
}

/** What a run is: the first line of its file. */
export interface RunHead {
  readonly form: Form;
  readonly commit: string;
  readonly at: string;
  readonly command: string;
  readonly machine: Machine;
}

interface LeftOut {
  readonly leftOut: string;
}

const FOLDER = join(BENCH, "results");

/** A file that gets a line with each turn, so that a run which breaks off has told what it measured, and can be gone on with. */
export class Results {
  readonly file: string;
  readonly head: RunHead;
  readonly #samples: Sample[];
  readonly #leftOut: Set<string>;

  static begin(head: RunHead): Results {
    mkdirSync(FOLDER, { recursive: true });
    const file = join(FOLDER, `${head.at.replace(/[:.]/g, "-")}-${head.form}.ndjson`);
    appendFileSync(file, `${JSON.stringify(head)}\n`);
    return new Results(file, head);
  }

  static read(file: string): Results {
    const [head, ...lines] = readFileSync(file, "utf8").split("\n").filter(Boolean);
    if (head === undefined) throw new Error(`${file} is empty`);
    const results = new Results(file, JSON.parse(head) as RunHead);
    for (const line of lines) {
      const each = JSON.parse(line) as Sample | LeftOut;
      if ("leftOut" in each) results.#leftOut.add(each.leftOut);
      else results.#keep(each);
    }
    return results;
  }

  /** The newest run of a form, if it was of this commit. What it left out is tried again. */
  static newest(form: Form, commit: string): Results | undefined {
    if (!existsSync(FOLDER)) return undefined;
    const name = readdirSync(FOLDER)
      .filter((file) => file.endsWith(`-${form}.ndjson`))
      .sort()
      .at(-1);
    if (name === undefined) return undefined;
    const results = Results.read(join(FOLDER, name));
    results.#leftOut.clear();
    return results.head.commit === commit ? results : undefined;
  }

  private constructor(file: string, head: RunHead) {
    [this.file, this.head, this.#samples, this.#leftOut] = [file, head, [], new Set()];
  }

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  /** What was not measured, and why. */
  get leftOut(): readonly string[] {
    return [...this.#leftOut];
  }

  has({ workload, subject, round }: Omit<Sample, "figures">): boolean {
    return this.#samples.some(
      (sample) => sample.workload === workload && sample.subject === subject && sample.round === round,
    );
  }

  add(sample: Sample): void {
    this.#keep(sample);
    appendFileSync(this.file, `${JSON.stringify(sample)}\n`);
  }

  /** A turn that was taken again replaces the one before. */
  #keep(sample: Sample): void {
    const { workload, subject, round } = sample;
    const before = this.#samples.findIndex(
      (each) => each.workload === workload && each.subject === subject && each.round === round,
    );
    if (before >= 0) this.#samples.splice(before, 1);
    this.#samples.push(sample);
  }

  leaveOut(sentence: string): void {
    if (this.#leftOut.has(sentence)) return;
    this.#leftOut.add(sentence);
    appendFileSync(this.file, `${JSON.stringify({ leftOut: sentence } satisfies LeftOut)}\n`);
  }

  /** Figures of a subject, in the order of the rounds. */
  figures(workload: string, subject: string, figure: string): number[] {
    return this.#samples
      .filter((sample) => sample.workload === workload && sample.subject === subject && figure in sample.figures)
      .sort((one, other) => one.round - other.round)
      .map(({ figures }) => figures[figure] ?? Number.NaN);
  }

  /** Round by round, one subject's figure over another's: what both shared, such as a slow minute, falls out. */
  ratios(workload: string, figure: string, [one, other]: readonly [string, string]): number[] {
    const of = (subject: string) =>
      this.#samples.filter((each) => each.workload === workload && each.subject === subject);
    return of(one).flatMap(({ round, figures }) => {
      const beside = of(other).find((each) => each.round === round)?.figures[figure];
      return beside === undefined ? [] : [(figures[figure] ?? Number.NaN) / beside];
    });
  }
}
