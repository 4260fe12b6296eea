import type { Broker, Config } from "@stagemq/broker";
import { EXIT } from "../exit-codes.ts";
import type { Host, Surroundings } from "../host.ts";
import { formatReadyLine, readyFacts } from "../ready.ts";
import { formatStartBox } from "../start-box.ts";
import { resetData } from "./reset-data.ts";

/** A command that runs a broker until it is told to stop. */
export interface BrokerCommand {
  readonly name: "dev" | "serve";
  readonly sentence: string;
  readonly example: string;
}

/** By the option's name, as written. */
export type GivenFlags = Readonly<Record<string, string | boolean | undefined>>;

/** How long a broker whose disk failed may take to refuse what still waits. */
const FAILED_STOP_MS = 2_000;

/** Starts, tells that it serves, waits for the end; resolves to the exit code. Rejects with a StartError (RUN-1). */
export async function runBroker(
  command: BrokerCommand["name"],
  flags: GivenFlags,
  around: Surroundings,
): Promise<number> {
  const { host, door } = around;
  const { environment, directory } = host;
  const config = await door.loadConfig({ command, flags, environment, directory });
  if (config.reset) {
    if (!config.yes && !host.interactive) return refuseToAsk(host);
    if (!(await resetData(config, around))) return refuseToStart(host);
  }
  const stopRequested = host.stopRequested();
  const broker = await Promise.race([door.startBroker(config, host), stopRequested]);
  // Told to stop while it started: nothing was confirmed yet, so there is nothing to finish.
  if (broker === undefined) return EXIT.ok;
  host.reportCrashesTo(broker.log);
  tellReady(config, broker, around);
  return await untilTheEnd(broker, config, stopRequested);
}

function refuseToAsk(host: Host): number {
  host.tell("--reset asks before it deletes, and here is nobody to answer. Add --yes to delete without asking.\n");
  return EXIT.usage;
}

function refuseToStart(host: Host): number {
  host.tell("Nothing was deleted; not started.\n");
  return EXIT.failure;
}

function tellReady(config: Config, broker: Broker, { host, door }: Surroundings): void {
  const serving = { config, broker, version: door.VERSION, pid: host.pid };
  for (const { event, sentence } of config.warnings) broker.log.write("warn", event, { sentence });
  if (host.terminal) host.tell(formatStartBox(serving));
  else broker.log.write("info", "broker.ready", readyFacts(serving));
  if (config.readyJson) host.answer(formatReadyLine(serving));
}

async function untilTheEnd(broker: Broker, { dataDirectory }: Config, stopRequested: Promise<void>): Promise<number> {
  let failure = await Promise.race([broker.failed, stopRequested]);
  if (failure === undefined) {
    await broker.stop();
    // DUR-2: the last write may be the one that fails.
    failure = await Promise.race([broker.failed, Promise.resolve(undefined)]);
  }
  if (failure === undefined) {
    broker.log.write("info", "broker.stopped");
    return EXIT.ok;
  }
  const next = dataDirectory === undefined ? "" : ` Before the next start: stagemq fsck ${dataDirectory}.`;
  const what = failure.message.replace(/\.?$/, ".");
  broker.log.write("error", "broker.failed", { sentence: `stagemq stops: ${what}${next}` });
  // DUR-2. What fails now fails because of that, and was said.
  const refused = broker.stop().catch(() => {});
  await Promise.race([refused, new Promise((resolve) => setTimeout(resolve, FAILED_STOP_MS))]);
  return EXIT.internal;
}
