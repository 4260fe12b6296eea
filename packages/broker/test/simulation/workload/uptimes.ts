import { StartError } from "../../../src/domain/start-error.ts";
import type { EngineSettings } from "../../../src/embedded/settings.ts";
import { describeDifference } from "../../ledger/ledger-contents.ts";
import { violated } from "../model/violation.ts";
import type { Plan } from "../plan.ts";
import type { Rebuilding } from "../simulated-broker.ts";
import type { Conversation } from "./conversation.ts";

const SNAPSHOT_AT_STOP = { snapshotAtStopAfterBytes: 1, snapshotAtStopUpToBytes: 1e9 };

export type End = "kill" | "power-cut" | "stopped";

/** A bit that has turned, until it is turned back. */
interface Rot {
  readonly path: string;
  readonly bit: number;
  /** What stood around it: where that has changed, the bit was written over since. */
  readonly around: string;
}

/** Starts, stops, crashes and what happens to the disk in between: one broker after the other over the same data. */
export class Uptimes {
  readonly #talk: Conversation;
  readonly #failsAtStarts: boolean;
  readonly #watchesSpace: boolean;
  readonly #forgetClients: () => void;
  #settings: EngineSettings;
  #rot: Rot | undefined;
  /** Steps since a verb was refused because the disk had failed. */
  #failingFor = 0;

  constructor(
    talk: Conversation,
    { settings, failsAtStarts, reserveBytes }: Pick<Plan, "settings" | "failsAtStarts" | "reserveBytes">,
    forgetClients: () => void,
  ) {
    this.#talk = talk;
    this.#settings = settings;
    this.#failsAtStarts = failsAtStarts;
    this.#watchesSpace = reserveBytes > 0;
    this.#forgetClients = forgetClients;
  }

  // --- starts

  /** Until one succeeds. Some are cut short, or meet a disk that fails. */
  async start(): Promise<void> {
    const { broker, dice, history, model } = this.#talk;
    this.#talk.hasFailed = false;
    this.#talk.mayFail = false;
    this.#failingFor = 0;
    for (let tries = 0; ; tries++) {
      const mayFail = this.#failsAtStarts && tries < 3;
      if (mayFail && dice.oneIn(8)) broker.disk.cutPowerAfter(dice.below(24));
      const fails = mayFail && dice.oneIn(20);
      if (fails) broker.disk.failNext(dice.pick(["open", "read", "sync", "write"]), "EIO", { after: dice.below(4) });
      if (await this.#tryToStart(fails)) {
        this.#talk.mayFail = fails || this.#rot !== undefined || this.#talk.mayBeFull;
        if (this.#talk.mayBeFull) history.met("start on a full disk");
        break;
      }
      broker.fail(dice.pick(["kill", "power-cut"]), 0);
    }
    const { clock } = broker;
    await clock.settle();
    history.note("started", clock.now(), clock.wall());
    this.#talk.settledAt = clock.now();
    const { replayedTo, extent } = broker;
    model.noteExtent(extent);
    const restart = { settings: this.#settings, replayedTo, mayHaveFailed: this.#talk.mayFail };
    model.restarted({ now: clock.now(), wall: clock.wall() }, restart);
    if (broker.disk.isDead) await this.crash("power-cut");
  }

  async #tryToStart(mayFail: boolean): Promise<boolean> {
    const { broker, history } = this.#talk;
    try {
      if (await broker.start(this.#settings)) return true;
      if (!broker.disk.isDead) violated("RUN-1", "a start hangs");
      history.met("power cut during a start");
      this.#notePowerCut();
      return false;
    } catch (error) {
      const isExpected = (mayFail || this.#rot !== undefined) && error instanceof StartError;
      if (!isExpected) throw error;
      history.note("start refused", error.message);
      if (this.#rot === undefined) history.met("disk failed during a start");
      else this.#cure("rot refused at a start");
      return false;
    }
  }

  // --- ends

  /** Stops and starts again, perhaps with other settings. */
  async restart(): Promise<void> {
    const { dice } = this.#talk;
    await this.#stop();
    if (dice.oneIn(2)) {
      const changed = { invisibleFor: dice.pick([5_000, 30_000]), orderedInvisibleFor: dice.pick([2_000, 20_000]) };
      this.#settings = { ...this.#settings, ...changed };
    }
    await this.#end(this.#talk.broker.disk.isDead ? "power-cut" : "stopped");
  }

  async crash(how: "kill" | "power-cut"): Promise<void> {
    this.#talk.history.note("crash", how);
    await this.#end(how);
  }

  async #stop(): Promise<void> {
    const { broker, history } = this.#talk;
    history.note("stop");
    this.#talk.isStopping = true;
    const stopped = await broker.stop();
    this.#talk.collect();
    this.#talk.isStopping = false;
    if (!stopped && !broker.disk.isDead) violated("RUN-2", "a stop did not come to its end");
  }

  async #end(how: End): Promise<void> {
    const { broker, dice } = this.#talk;
    this.#talk.loseAll();
    this.#forgetClients();
    if (how === "power-cut") this.#notePowerCut();
    broker.fail(how, dice.pick([0, 0, 500, 20_000]));
    if (this.#rot !== undefined && dice.oneIn(2)) this.#cure("rot turned back unseen");
    await this.start();
  }

  #notePowerCut(): void {
    const { broker, history } = this.#talk;
    const { diedDuring } = broker.disk;
    if (diedDuring !== undefined) history.note("  during", diedDuring);
    if (diedDuring === "rename") history.met("power cut during a rename");
    if (diedDuring === "sync") history.met("power cut during a sync");
  }

  // --- a bad disk

  /** Once it has failed it is used for a few steps more, to see that nothing is confirmed; then the process ends (DUR-2). */
  get isToEnd(): boolean {
    if (this.#talk.hasFailed) this.#failingFor += 1;
    return this.#failingFor > 3;
  }

  failDisk(): void {
    const { broker, dice, history, model } = this.#talk;
    const operation = dice.pick(["sync", "sync", "write", "rename"] as const);
    if (operation === "rename") {
      // Only housekeeping renames, and it can wait.
      history.note("fail the disk", operation);
      broker.disk.failNext(operation, "ENOSPC");
      return;
    }
    this.#talk.mayFail = true;
    model.fail();
    // Where the space is watched, a write without room is undone and the reserve makes some.
    const code = dice.pick(operation === "write" && !this.#watchesSpace ? ["EIO", "ENOSPC"] : ["EIO"]);
    history.note("fail the disk", operation, code);
    broker.disk.failNext(operation, code, { after: dice.below(3) });
  }

  /** DUR-3: others take what space is left. What was promised already may not fit any more (DUR-2). */
  fillDisk(): void {
    const { broker, dice, history, model } = this.#talk;
    const free = dice.pick([0, 2_000, 6_000, 20_000]);
    history.note("fill the disk", free);
    broker.disk.leaveFree(free);
    this.#talk.mayBeFull = true;
    this.#talk.mayFail = true;
    model.starve(true);
  }

  noteRelief(): void {
    this.#talk.mayBeFull = false;
    this.#talk.model.starve(false);
    this.#talk.history.met("space again after a full disk");
  }

  /** After a clean stop every bit is covered: the start refuses, or nothing is missing. */
  async rotWhileStopped(): Promise<void> {
    const { broker } = this.#talk;
    await this.#stop();
    if (broker.disk.isDead) return this.#end("power-cut");
    this.#turnBit(broker.disk.paths());
    return this.#end("stopped");
  }

  /** In a segment that has been left: whoever reads it meets the rot, or the next start does; nobody is given a wrong body. */
  rotUnderLoad(): void {
    const segments = this.#talk.broker.disk.paths().filter((path) => path.endsWith(".seg"));
    // The newest may go, where a power cut tears its header; the one before it is the tail then (DUR-1).
    this.#turnBit(segments.slice(0, -2));
    if (this.#rot === undefined) return;
    this.#talk.mayFail = true;
    this.#talk.model.fail();
  }

  #turnBit(paths: readonly string[]): void {
    const { broker, dice, history } = this.#talk;
    if (this.#rot !== undefined || paths.length === 0) return;
    const path = dice.pick(paths);
    const bit = dice.below(Math.max(1, broker.disk.bytesOf(path).length * 8));
    history.note("rot", path, bit);
    broker.disk.flipBit(path, bit);
    this.#rot = { path, bit, around: this.#around(path, bit) };
  }

  #cure(met: "rot refused at a start" | "rot turned back unseen"): void {
    const { broker, history } = this.#talk;
    if (this.#rot === undefined) return;
    history.note(met);
    history.met(met);
    const { path, bit, around } = this.#rot;
    if (broker.disk.paths().includes(path) && this.#around(path, bit) === around) broker.disk.flipBit(path, bit);
    this.#rot = undefined;
  }

  #around(path: string, bit: number): string {
    const at = Math.floor(bit / 8);
    return this.#talk.broker.disk.bytesOf(path).toString("hex", Math.max(0, at - 32), at + 32);
  }

  /** From here on the disk is well. */
  async heal(): Promise<void> {
    const { broker } = this.#talk;
    this.#talk.history.note("heal");
    broker.diskTakesUpTo = 0;
    broker.disk.leaveFree(Number.POSITIVE_INFINITY);
    this.#talk.mayBeFull = false;
    this.#talk.model.starve(false);
    // The next stop writes down the ledger as it is.
    this.#settings = { ...this.#settings, housekeeping: { ...this.#settings.housekeeping, ...SNAPSHOT_AT_STOP } };
    this.#talk.loseAll();
    this.#forgetClients();
    broker.fail("power-cut", 0);
    this.#cure("rot turned back unseen");
    await this.#startWell();
  }

  /** DEL-10: the ledger is the sum of its journal, whatever has happened to it. Where the disk has all of it and is sound. */
  async compareLedgers(...ways: readonly Rebuilding[]): Promise<void> {
    const { broker, history, hasFailed } = this.#talk;
    const lived = this.#rot === undefined && !hasFailed ? broker.livingContents() : undefined;
    if (lived === undefined) return;
    for (const from of ways) {
      const differences = describeDifference(lived, await broker.rebuiltContents(this.#settings, from));
      if (differences.length > 0) {
        violated("DEL-10", `rebuilt from the ${from}, the ledger differs: ${differences.slice(0, 5).join("; ")}`);
      }
      history.met("ledger compared with its journal");
    }
  }

  /** A clean stop and a start, without faults. In between: the ledger rebuilt from the journal equals the one that lived. */
  async restartWell(): Promise<void> {
    const { broker } = this.#talk;
    if (!(await broker.stop())) violated("RUN-2", "a healthy stop hangs");
    this.#talk.collect();
    await this.compareLedgers("newest snapshot", "journal");
    broker.fail("stopped", 0);
    await this.#startWell();
  }

  async #startWell(): Promise<void> {
    const { broker, model } = this.#talk;
    this.#talk.hasFailed = false;
    this.#talk.mayFail = false;
    if (!(await broker.start(this.#settings))) violated("RUN-1", "a healthy start hangs");
    const { clock } = broker;
    await clock.settle();
    this.#talk.settledAt = clock.now();
    model.noteExtent(broker.extent);
    model.restarted(
      { now: clock.now(), wall: clock.wall() },
      { settings: this.#settings, replayedTo: broker.replayedTo },
    );
  }
}
