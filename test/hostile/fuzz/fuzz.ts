import { judge, type RawResponse } from "../../../packages/wire/test/readers/judge.ts";
import { BrokerProcess } from "../../process/broker-process.ts";
import { drawInput, type FuzzInput } from "./draw-input.ts";
import { KeptMessages } from "./kept-messages.ts";
import { Lane } from "./lane.ts";
import { Pulse } from "./pulse.ts";

export interface FuzzOptions {
  readonly seed: number;
  readonly inputs: number;
  readonly onProgress?: (report: FuzzReport) => void;
}

export interface FuzzReport {
  readonly sent: number;
  readonly responses: number;
  /** How often each came. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Well-formed publishes, each received and acknowledged while all this went on. */
  readonly kept: number;
  readonly failures: readonly FuzzFailure[];
}

export interface FuzzFailure {
  /** Of the input; undefined where it was none in particular. */
  readonly number: number | undefined;
  readonly wrong: string;
}

const LANES = 96;
const TELL_EVERY = 1_000;
/** Of the responses that were readable so far; to judge each with seven readers would take longer than to send it. */
const JUDGED_ONE_IN = 16;
const ENOUGH_FAILURES = 5;
/** Failures are all that is asked of the log. Any Date of the year will do, so that an input has the same bytes on each of its days. */
const ENVIRONMENT = { STAGEMQ_CLOCK_SKEW: "366d", STAGEMQ_LOG_LEVEL: "error" };

/** The key of the golden requests is declared nowhere: dev lets them in whatever became of their signatures. */
function startFuzzed(): Promise<BrokerProcess> {
  return BrokerProcess.start({ environment: ENVIRONMENT });
}

/** Sends a broker what the seed says over many connections, and watches that it lives, answers and loses nothing. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const broker = await startFuzzed();
  const run = new FuzzRun(broker, options);
  await run.drive();
  await run.judgeBroker();
  return run.report();
}

class FuzzRun {
  readonly #broker: BrokerProcess;
  readonly #options: Required<FuzzOptions>;
  readonly #kept: KeptMessages;
  readonly #pulse = new Pulse();
  readonly #statuses = new Map<number, number>();
  readonly #failures: FuzzFailure[] = [];
  readonly #underWay = new Set<number>();
  #sent = 0;
  #responses = 0;
  #isGone = false;

  constructor(broker: BrokerProcess, options: FuzzOptions) {
    this.#broker = broker;
    this.#options = { onProgress: () => {}, ...options };
    this.#kept = new KeptMessages(broker.endpoint);
    const gone = () => {
      this.#isGone = true;
    };
    broker.ended.then(gone, gone);
  }

  async drive(): Promise<void> {
    const lanes = Array.from({ length: LANES }, (_, place) => this.#driveLane(place));
    let isDone = false;
    const passing = this.#keepPassing(() => isDone);
    await Promise.all(lanes);
    isDone = true;
    await passing;
  }

  /** What it did must have left the broker alive, with all that it was given, and able to stop. */
  async judgeBroker(): Promise<void> {
    if (this.#isGone) {
      const wrong = `the broker is gone: ${this.#broker.log.slice(-2_000)}`;
      for (const number of this.#underWay) this.#failures.push({ number, wrong });
      return;
    }
    this.#note(undefined, await this.#kept.missing().catch(String));
    for (const event of ["request.failed", "process.crashed"]) {
      for (const line of this.#broker.logged(event)) this.#note(undefined, JSON.stringify(line));
    }
    const { code, signal } = await this.#broker.stop();
    if (code !== 0) this.#note(undefined, `after a stop it ended with ${code ?? signal}`);
  }

  report(): FuzzReport {
    const [sent, responses, kept] = [this.#sent, this.#responses, this.#pulse.beats];
    return { sent, responses, kept, statuses: this.#statuses, failures: this.#failures };
  }

  get #isOver(): boolean {
    return this.#isGone || this.#failures.length >= ENOUGH_FAILURES;
  }

  async #driveLane(place: number): Promise<void> {
    const { seed, inputs, onProgress } = this.#options;
    const lane = new Lane(this.#broker.endpoint, this.#pulse, `${place}`);
    while (this.#sent < inputs && !this.#isOver) {
      const number = this.#sent++;
      this.#underWay.add(number);
      const outcome = await lane
        .send(drawInput(seed, number))
        .catch((error) => ({ responses: [], wrong: String(error) }));
      if (this.#isGone) break;
      this.#underWay.delete(number);
      this.#note(number, outcome.wrong ?? this.#judge(outcome.responses));
      if ((number + 1) % TELL_EVERY === 0) onProgress(this.report());
    }
    lane.close();
  }

  /** Each is a beat of the pulse. */
  async #keepPassing(isDone: () => boolean): Promise<void> {
    while (!isDone() && !this.#isOver) {
      this.#note(undefined, await this.#kept.pass().catch(String));
      this.#pulse.beat();
    }
  }

  #judge(responses: readonly RawResponse[]): string | undefined {
    for (const { status } of responses) this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
    return responses.map((response) => wrongWith(response, this.#responses++)).find(Boolean);
  }

  #note(number: number | undefined, wrong: string | undefined): void {
    if (wrong !== undefined && !this.#isGone) this.#failures.push({ number, wrong });
  }
}

/** What one input alone does to a broker of its own; undefined when nothing is wrong. */
export async function tryAlone(input: FuzzInput): Promise<string | undefined> {
  const broker = await startFuzzed();
  const kept = new KeptMessages(broker.endpoint);
  const pulse = new Pulse();
  const lane = new Lane(broker.endpoint, pulse, "alone");
  try {
    const sent = lane.send(input);
    let isDone = false;
    const done = () => {
      isDone = true;
    };
    sent.then(done, done);
    while (!isDone) {
      const wrong = await kept.pass();
      if (wrong !== undefined) return wrong;
      pulse.beat();
    }
    const { wrong, responses } = await sent;
    const problem = wrong ?? responses.map((response) => wrongWith(response, 0)).find(Boolean);
    return problem ?? broker.logged("request.failed").map((line) => JSON.stringify(line))[0];
  } catch (error) {
    return `${error}\n${broker.log.slice(-2_000)}`;
  } finally {
    lane.close();
    await broker.kill();
  }
}

function wrongWith(response: RawResponse, number: number): string | undefined {
  const { status, body, headers } = response;
  const isOfHead = body.length === 0 && headers.some(([name]) => name === "Content-Length");
  if (status === 100 || isOfHead) return undefined;
  if (status >= 500) return `it answered ${status}: ${body}`;
  if (number % JUDGED_ONE_IN !== 0) return undefined;
  // What was asked for may have been mutated away, but the answer tells what it answers; an Error answers anything.
  const isOfHandles = status === 204 || body.includes("<Errors");
  const [problem] = judge(response, isOfHandles ? "acknowledge" : status === 200 ? "consume" : "publish");
  return problem === undefined ? undefined : `${status} ${body}: ${problem}`;
}
