import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConsumeResult, HistoryEvent, Settings, Verb } from "../checker/history.ts";
import { HistoryWriter } from "../checker/history-writer.ts";
import { type Judgement, judgeHistory } from "../checker/judge-history.ts";
import { type Cast, Crowd } from "../crash/crowd.ts";
import { CROWD_SETTINGS, crowdBroker, IMMUNITY_MS } from "../crash/crowd-settings.ts";
import type { SeededRandom } from "../crash/seeded-random.ts";
import { type BrokerOptions, BrokerProcess, runToEnd } from "../process/broker-process.ts";
import { type Figures, hold } from "./front-door/figures.ts";

/** Long, on a machine that is busy. */
const drainWithinMs = 120_000;
const ENDINGS = ["ack", "commit", "rollback"] as const;

export interface CrowdRunOptions {
  readonly random: SeededRandom;
  readonly cast?: Cast;
  readonly settings?: Partial<Settings>;
  /** Of every broker. */
  readonly broker?: BrokerOptions;
}

/** A crowd at work on one broker after the other, and its history. */
export class CrowdRun {
  readonly writer = new HistoryWriter();
  readonly crowd: Crowd;
  readonly #broker: BrokerOptions;

  static async begin({ random, cast, settings, broker = {} }: CrowdRunOptions): Promise<CrowdRun> {
    const run = new CrowdRun(
      await crowdBroker(broker),
      random,
      { ...CROWD_SETTINGS, drainWithinMs, ...settings },
      cast,
    );
    run.crowd.start();
    return run;
  }

  private constructor(broker: BrokerOptions, random: SeededRandom, settings: Settings, cast: Cast | undefined) {
    this.#broker = broker;
    this.writer.settings(settings);
    const { writer } = this;
    this.crowd = new Crowd({ settings, random, writer, immunityMs: IMMUNITY_MS, ...(cast && { cast }) });
  }

  async start(dataDirectory: string): Promise<BrokerProcess> {
    const options = { ...this.#broker, dataDirectory };
    const broker = await this.writer.fault({ kind: "start" }, () => BrokerProcess.start(options));
    this.crowd.brokerServes(broker.endpoint);
    return broker;
  }

  async kill(broker: BrokerProcess, kind: "kill" | "power-cut" = "kill", before = async () => {}): Promise<void> {
    await this.writer.fault({ kind }, async () => {
      await before();
      const killed = broker.kill();
      this.crowd.brokerIsGone();
      await killed;
    });
  }

  /** Starts one, and kills it this long after, whether it serves by then or not. */
  async killAtStart(dataDirectory: string, afterMs: number): Promise<void> {
    await runToEnd({ ...this.#broker, dataDirectory, killedAfterMs: afterMs });
  }

  /** Has everything end, stops the broker, and judges. */
  async finish(broker: BrokerProcess): Promise<Judgement> {
    await this.crowd.drain();
    const { code } = await broker.stop();
    this.crowd.close();
    hold("the broker stops well", code === 0, { code: `${code}`, log: broker.log.slice(-2_000) });
    return judgeHistory(this.writer.events);
  }

  close(): void {
    this.crowd.close();
  }

  /** What it saw; fails unless every promise held. */
  async expectKept(judgement: Judgement, more: Figures = {}): Promise<Figures> {
    const figures = { ...more, ...describe(this.writer.events, judgement), serverErrors: this.crowd.serverErrors };
    const [first] = judgement.violations;
    if (first !== undefined) {
      const kept = await keep(this.writer.events);
      throw new Error(`${first.property}: ${first.message}; ${JSON.stringify({ ...figures, history: kept })}`);
    }
    return figures;
  }
}

function describe(events: readonly HistoryEvent[], { counts, classes, lateness }: Judgement): Figures {
  const count = (type: HistoryEvent["type"], ...verbs: readonly Verb[]) =>
    events.filter((event) => event.type === type && verbs.includes(event.f)).length;
  const delivered = events.flatMap(({ f, type, res }) =>
    type === "ok" && (f === "consume" || f === "consumeHalf") ? (res as ConsumeResult).got : [],
  );
  return {
    published: count("ok", "publish"),
    delivered: delivered.length,
    deliveredAgain: delivered.filter(({ c }) => c > 1).length,
    ended: count("ok", ...ENDINGS),
    unanswered: count("info", "publish", "consume", "consumeHalf", ...ENDINGS),
    lost: classes.lost,
    recovered: classes.recovered,
    violations: Object.values(counts).reduce((sum, one) => sum + one, 0),
    ...(lateness.count === 0 ? {} : { delayed: lateness.count, lateP99Ms: lateness.p99, lateMaxMs: lateness.max }),
  };
}

async function keep(events: readonly HistoryEvent[]): Promise<string> {
  const file = join(tmpdir(), `stagemq-history-${process.pid}.jsonl`);
  await writeFile(file, events.map((event) => `${JSON.stringify(event)}\n`).join(""), { mode: 0o600 });
  return file;
}
