import { Credentials } from "./access/credentials.ts";
import type { Config } from "./config/load-config.ts";
import { formatAddress } from "./domain/address.ts";
import { BrokerError } from "./domain/broker-error.ts";
import { StartError } from "./domain/start-error.ts";
import { type DurationMs, hasten, MINUTE, SECOND } from "./domain/time.ts";
import { VERSION } from "./domain/version.ts";
import { openEmbeddedEngine } from "./embedded/embedded-engine.ts";
import { type DataDescription, removeData } from "./embedded/journal/data-directory.ts";
import { FileJournal } from "./embedded/journal/file-journal.ts";
import type { Journal } from "./embedded/journal/journal.ts";
import { MemoryJournal } from "./embedded/journal/memory-journal.ts";
import { type BackupDescription, createBackup } from "./embedded/upkeep/create-backup.ts";
import type { Findings } from "./embedded/upkeep/findings.ts";
import type { RepairPlan } from "./embedded/upkeep/plan-repair.ts";
import type { Progress } from "./embedded/upkeep/progress.ts";
import { inspectAlone, repairData } from "./embedded/upkeep/repair-data.ts";
import { type DataReport, reportFindings } from "./embedded/upkeep/report-findings.ts";
import { restoreBackup } from "./embedded/upkeep/restore-backup.ts";
import { verifyBackup } from "./embedded/upkeep/verify-backup.ts";
import type { Engine } from "./engine/engine.ts";
import { GuardedEngine } from "./engine/guarded-engine.ts";
import { MeasuredEngine } from "./engine/measured-engine.ts";
import { Tally } from "./engine/tally.ts";
import { describeListenError } from "./http/describe-listen-error.ts";
import { DEFAULT_HTTP_LIMITS, HttpFront } from "./http/http-front.ts";
import type { Clock } from "./runtime/clock.ts";
import type { Log } from "./runtime/log.ts";
import type { Runtime } from "./runtime/runtime.ts";
import { maxOpenFiles } from "./runtime/system/max-open-files.ts";
import { openSteadyClock } from "./runtime/system/steady-clock.ts";
import { SystemClock } from "./runtime/system/system-clock.ts";
import { type ProcessIdentity, SystemDisk } from "./runtime/system/system-disk.ts";
import { SystemLog } from "./runtime/system/system-log.ts";
import { SystemRandom } from "./runtime/system/system-random.ts";
import { ResettableEngine } from "./testing/resettable-engine.ts";
import { SimulatedClock } from "./testing/simulated-clock.ts";
import { TestBench } from "./testing/test-bench.ts";
import { TestInterface } from "./testing/test-interface.ts";

export type { DataDescription } from "./embedded/journal/data-directory.ts";
export type { BackupDescription } from "./embedded/upkeep/create-backup.ts";
export type { Progress } from "./embedded/upkeep/progress.ts";
export type { DataReport } from "./embedded/upkeep/report-findings.ts";
export type { ProcessIdentity } from "./runtime/system/system-disk.ts";

/** A broker that serves. */
export interface Broker {
  /** Its endpoints; the first is the one to tell people. */
  readonly http: readonly string[];
  /** The test interface, with a simulated clock (TIM-4). */
  readonly test?: string;
  readonly log: Log;
  /** Resolves when the disk has failed (DUR-2). */
  readonly failed: Promise<Error>;
  /** RUN-2. Safe to call twice. */
  stop(): Promise<void>;
}

/** What the process that runs a broker says of itself. */
export interface Surroundings extends ProcessIdentity {
  /** Standard error is read by a person. */
  readonly terminal: boolean;
}

/** Starts a broker. Rejects with a StartError where that cannot succeed (RUN-1). */
export async function startBroker(config: Config, { terminal, pid, uid }: Surroundings): Promise<Broker> {
  const clock = new SystemClock(undefined, { tellStepsOver: config.clockStep });
  const log = new SystemLog({ level: config.logLevel, terminal, wall: () => clock.wall() });
  const runtime: Runtime = { clock, log, random: new SystemRandom(), disk: new SystemDisk({ pid, uid }) };
  if (config.clock === "simulated") return openTestInterface(await serveTested(config, runtime));
  const steady = openSteadyClock();
  const failure = new Failure();
  const engine = await openEngine(config, runtime, { clock, waitClocks: [steady], failure });
  return serve(config, runtime, { engine: guard(engine, config), steady, failure });
}

/** A broker that a test has in its hands. */
export interface TestedBroker extends Broker {
  /** All that the test may do with it. */
  readonly bench: TestBench;
}

/** Starts one in the process of the test. */
export function startTestedBroker(config: Config, log: Log): Promise<TestedBroker> {
  const clock = new SystemClock(undefined, { tellStepsOver: config.clockStep });
  // Nothing is kept, so nobody asks the disk for whom.
  return serveTested(config, { clock, log, random: new SystemRandom(), disk: new SystemDisk({ pid: 0 }) });
}

/** TIM-4, TIM-5: with a bench before an engine that can be emptied. */
async function serveTested(config: Config, runtime: Runtime): Promise<TestedBroker> {
  const steady = openSteadyClock();
  const simulated =
    config.clock === "simulated" ? new SimulatedClock(runtime.clock.wall(), "loop", config.clockStep) : undefined;
  const clock = simulated ?? runtime.clock;
  const waitClocks: [Clock, ...Clock[]] = simulated === undefined ? [steady] : [simulated, steady];
  const failure = new Failure();
  const open = () => openEngine(config, runtime, { clock, waitClocks, failure });
  const resettable = new ResettableEngine(await open(), async () => {
    try {
      if (config.dataDirectory !== undefined) await removeData(runtime.disk, config.dataDirectory);
      return await open();
    } catch (error) {
      // There is no engine any more, and there will be none.
      failure.report(error as Error);
      throw error;
    }
  });
  // Where data was kept, simulated time goes on from its newest instant, dates too.
  await simulated?.alignWall();
  // TIM-4: time has settled only when the disk has what came due.
  simulated?.alsoSettle(() => resettable.settled());
  const bench = new TestBench({
    engine: guard(resettable, config),
    clock,
    simulated,
    steadyClock: steady,
    waitClocks,
    reset: () => resettable.reset(),
    defaultInstance: config.defaultInstance,
  });
  return { ...(await serve(config, runtime, { engine: bench.engine, steady, failure })), bench };
}

/** What is served, and what tells that it cannot be served any more. */
interface Served {
  readonly engine: Engine;
  readonly steady: Clock;
  readonly failure: Failure;
}

async function serve(config: Config, runtime: Runtime, { engine: served, steady, failure }: Served): Promise<Broker> {
  const { log } = runtime;
  const tally = new Tally();
  const engine = new MeasuredEngine(served, (...end) => tally.note(...end));
  const front = openFront(config, engine, runtime, steady);

  const close = async (): Promise<void> => {
    front.stopListening();
    let finishing: Promise<void> | undefined;
    const finish = (): Promise<void> => {
      finishing ??= front.finish();
      return finishing;
    };
    // Who hangs up now still gives back; a disk that hangs must not hold the end up (RUN-2).
    const engineStopped = engine.stop(finish);
    await withinTime(engineStopped, 4 * SECOND, steady);
    await finish();
    await withinTime(engineStopped, SECOND, steady);
  };
  const tellTally = () => log.write("info", "broker.tally", tally.describe());
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= close().then(tellTally);
    return stopped;
  };

  try {
    const http = await listen(config, front, log);
    return { http, log, failed: failure.happened, stop };
  } catch (error) {
    await close();
    throw error;
  }
}

/** For tests in any language. */
async function openTestInterface({ bench, ...broker }: TestedBroker): Promise<Broker> {
  const testInterface = new TestInterface(bench);
  const stop = (): Promise<void> => {
    testInterface.close();
    return broker.stop();
  };
  try {
    return { ...broker, test: await testInterface.listen(), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Waits for it, but no longer than that. */
function withinTime(done: Promise<void>, atMost: DurationMs, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const alarm = clock.alarm(clock.now() + atMost, resolve);
    done.then(() => {
      alarm.cancel();
      resolve();
    }, reject);
  });
}

/** Deletes what stagemq wrote into a directory, once `agrees` has seen what it is. False: it was to stay. */
export function resetData(
  directory: string,
  { pid, uid }: ProcessIdentity,
  agrees: (found: DataDescription) => Promise<boolean>,
): Promise<boolean> {
  return removeData(new SystemDisk({ pid, uid }), directory, agrees);
}

/** Reads a data directory that no broker uses, and says what is there and what of it is damaged (DUR-1). */
export async function inspectDirectory(
  directory: string,
  { pid, uid }: ProcessIdentity,
  progress: Progress,
): Promise<DataReport> {
  const disk = new SystemDisk({ pid, uid });
  return reportFindings(await inspectAlone(disk, { directory, version: VERSION }, progress));
}

export interface RepairRequest {
  readonly directory: string;
  /** Whether what is removed is kept beside the directory. */
  readonly keepsCopies: boolean;
  readonly progress: Progress;
}

/** What a repair found, what it would do, and where it would keep what it removes. */
export interface RepairProposal {
  readonly report: DataReport;
  /** In sentences that say what is lost. */
  readonly steps: readonly string[];
  readonly copiesTo: string | undefined;
}

/** Repairs a data directory that no broker uses, once `agrees` has seen what is lost by it; undefined: it did not agree. */
export async function repairDirectory(
  { directory, keepsCopies, progress }: RepairRequest,
  { terminal, pid, uid }: Surroundings,
  agrees: (proposal: RepairProposal) => Promise<boolean>,
): Promise<DataReport | undefined> {
  const clock = new SystemClock();
  const log = new SystemLog({ level: "warn", terminal, wall: () => clock.wall() });
  const runtime: Runtime = { clock, log, random: new SystemRandom(), disk: new SystemDisk({ pid, uid }) };
  const stamp = new Date(clock.wall()).toISOString().replace(/\D/g, "").slice(0, 14);
  const copiesTo = keepsCopies ? `${directory}.removed-${stamp}` : undefined;
  const ask = (findings: Findings, { steps }: RepairPlan): Promise<boolean> =>
    agrees({ report: reportFindings(findings), steps: steps.map(({ sentence }) => sentence), copiesTo });
  const { findings, isDone } = await repairData(runtime, { directory, version: VERSION, copiesTo }, ask, progress);
  return isDone ? reportFindings(findings) : undefined;
}

/** Copies a data directory, also one that a broker uses. */
export function backUp(
  directory: string,
  target: string,
  { pid, uid }: ProcessIdentity,
  progress: Progress,
): Promise<BackupDescription> {
  const runtime = { disk: new SystemDisk({ pid, uid }), clock: new SystemClock() };
  return createBackup(runtime, { directory, target, version: VERSION }, progress);
}

/** Reads all of a backup. */
export async function verify(
  target: string,
  { pid, uid }: ProcessIdentity,
  progress: Progress,
): Promise<{ readonly faults: readonly string[]; readonly report: DataReport | undefined }> {
  const disk = new SystemDisk({ pid, uid });
  const { faults, findings } = await verifyBackup(disk, { target, version: VERSION }, progress);
  return { faults, report: findings && reportFindings(findings) };
}

/** Makes a data directory of a backup. */
export async function restore(
  target: string,
  directory: string,
  { pid, uid }: ProcessIdentity,
  progress: Progress,
): Promise<DataReport> {
  const disk = new SystemDisk({ pid, uid });
  return reportFindings(await restoreBackup(disk, { target, directory, version: VERSION }, progress));
}

/** That the disk has failed, or whatever else leaves no engine to go on with (DUR-2). */
class Failure {
  readonly happened: Promise<Error>;
  report: (cause: Error) => void = () => {};

  constructor() {
    this.happened = new Promise((resolve) => {
      this.report = resolve;
    });
  }
}

interface EngineWorld {
  /** The engine's time. */
  readonly clock: Clock;
  readonly waitClocks: readonly [Clock, ...Clock[]];
  readonly failure: Failure;
}

async function openEngine(
  config: Config,
  runtime: Runtime,
  { clock, waitClocks, failure }: EngineWorld,
): Promise<Engine> {
  const journal = openJournal(config, runtime);
  journal.failed.then(failure.report, failure.report);
  const engine = await openEmbeddedEngine({
    journal,
    runtime: { ...runtime, clock },
    settings: engineSettings(config),
    waitClocks,
  });
  await declare(config, engine, runtime.log);
  return engine;
}

function guard(engine: Engine, { fast }: Config): Engine {
  return new GuardedEngine(engine, { fast });
}

function openJournal(config: Config, runtime: Runtime): Journal {
  const { dataDirectory: directory, clock, durability, reserveBytes, minFreeBytes } = config;
  if (directory === undefined) return new MemoryJournal(runtime.random.bytes(32));
  const options = { directory, version: VERSION, clock, durability, reserveBytes, minFreeBytes };
  return new FileJournal(runtime, options);
}

/** Makes what the file declares; a declaration that contradicts the data is a mistake in the file. */
async function declare(config: Config, engine: Engine, log: Log): Promise<void> {
  try {
    await engine.catalog.declare(config.declarations);
  } catch (error) {
    if (error instanceof BrokerError && error.code === "storage-full") {
      // DUR-3: it opens on a full disk too.
      const sentence = `Disk full: what ${config.file} changes in topics and groups is made as soon as there is space; until then they are as they were.`;
      log.write("warn", "catalog.waits-for-space", { sentence });
      return;
    }
    await engine.stop();
    if (!(error instanceof BrokerError) || error.code !== "invalid-argument") throw error;
    const count = error.message.split("\n").length;
    const sum = `${count} ${count === 1 ? "mistake" : "mistakes"} in ${config.file}; not started.`;
    throw new StartError(2, `${error.message}\n${sum}`, { cause: error });
  }
}

function engineSettings(config: Config): Parameters<typeof openEmbeddedEngine>[0]["settings"] {
  return {
    makeByUse: config.makeByUse,
    typeCheck: config.typeCheck,
    invisibleFor: config.invisibleFor,
    orderedInvisibleFor: config.orderedInvisibleFor,
    halfInvisibleFor: config.halfInvisibleFor,
    blockedInvisibleFor: config.fast ? hasten(MINUTE) : MINUTE,
    maxBatchBytes: config.maxBatchBytes,
    giveBacksBeforeDelivery: config.giveBacksBeforeDelivery,
    maxRetries: config.maxRetries,
    from: config.from,
    onExhausted: config.onExhausted,
    newShare: config.newShare,
    maxOutstanding: config.maxOutstanding,
    filterMemory: config.filterMemory,
    orderedQueues: config.orderedQueues,
    maxDelay: config.maxDelay,
    retentionAge: config.retentionAge,
    retentionBytes: config.retentionBytes,
    ageRestsFor: config.ageRestsFor,
    checkFor: config.checkFor,
    // TX-3, TIM-3
    checkRounding: config.fast ? 100 : SECOND,
    messageLogLevel: config.messageLogLevel,
  };
}

function openFront(config: Config, engine: Engine, runtime: Runtime, steady: Clock): HttpFront {
  const credentials = new Credentials({ keys: config.keys, undeclared: config.undeclaredKeys, log: runtime.log });
  return new HttpFront({
    engine,
    credentials,
    runtime,
    steadyClock: steady,
    options: {
      version: VERSION,
      defaultInstance: config.defaultInstance,
      makeByUse: config.makeByUse,
      signedTextInHint: config.command === "dev",
      clockSkew: config.clockSkew,
      sharedReadBytes: config.sharedReadBytes,
      maxConnections: maxConnections(),
    },
  });
}

/** A quarter of the descriptors is for the journal: one that cannot open its next segment stops the broker (DUR-2). */
function maxConnections(): number {
  const openFiles = maxOpenFiles() ?? Number.POSITIVE_INFINITY;
  return Math.min(DEFAULT_HTTP_LIMITS.maxConnections, Math.floor(openFiles * 0.75));
}

/** Listens where it was told to; unless told, on ::1 too, where that exists (REQ-1). */
async function listen(config: Config, front: HttpFront, log: Log): Promise<string[]> {
  const { host, port } = config.http;
  const bound = await front.listen(host, port).catch(async (error: unknown) => {
    throw await describeListenError(error, host, port);
  });
  const endpoints = [`http://${formatAddress(bound)}`];
  if (!config.alsoIpv6Loopback) return endpoints;
  try {
    const also = await front.listen("::1", bound.port);
    endpoints.push(`http://${formatAddress(also)}`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EADDRNOTAVAIL" && code !== "EAFNOSUPPORT") {
      const sentence = `[::1]:${bound.port} cannot be had (${code}); only ${endpoints[0]} is listened on.`;
      log.write("warn", "http.ipv6-left-out", { sentence });
    }
  }
  return endpoints;
}
