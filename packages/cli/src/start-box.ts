import type { Config } from "@stagemq/broker";
import type { Serving } from "./ready.ts";

/** A fact, and what to make of it. */
interface Line {
  readonly label: string;
  readonly fact: string;
  readonly hint?: string;
}

const LABEL_WIDTH = 12;
const GAP = 4;

/** What a person sees once it serves. */
export function formatStartBox(serving: Serving): string {
  const lines = linesOf(serving);
  const factWidth = Math.max(...lines.map(({ fact, hint }) => (hint === undefined ? 0 : fact.length))) + GAP;
  const rows = lines.map(({ label, fact, hint }) =>
    hint === undefined
      ? `  ${label.padEnd(LABEL_WIDTH)}${fact}`
      : `  ${label.padEnd(LABEL_WIDTH)}${fact.padEnd(factWidth)}${hint}`,
  );
  return [`stagemq ${serving.version}, ${serving.config.command}`, ...rows, ""].join("\n");
}

function linesOf({ config, broker }: Serving): Line[] {
  return [
    { label: "Endpoint", fact: broker.http[0] ?? "", hint: "put this into your SDK: no path, no slash at the end" },
    accessKey(config),
    instance(config),
    data(config),
    ...(config.durability === "relaxed" && config.dataDirectory !== undefined
      ? [{ label: "Durability", fact: "RELAXED: a crash may lose 100 ms of confirmed messages" }]
      : []),
    ...(config.fast ? [{ label: "Times", fact: `fast: ${describeHastened(config)}` }] : []),
    ...(broker.test === undefined
      ? []
      : [{ label: "Test", fact: `${broker.test}, the clock stands until it is advanced` }]),
    { label: "Stop", fact: "Ctrl-C" },
  ];
}

function accessKey({ devKey, keys, undeclaredKeys }: Config): Line {
  const fact = devKey === undefined ? `${keys.length} declared` : `${devKey.id} / ${devKey.secret}`;
  const hint = undeclaredKeys === "let-in" ? "other key ids are let in unchecked" : "unknown key ids are refused";
  return { label: "Access key", fact, hint };
}

function instance({ defaultInstance, makeByUse }: Config): Line {
  const hint = makeByUse
    ? "or none; topics and groups are made on first use"
    : "or none; topics and groups are declared";
  return { label: "Instance", fact: defaultInstance, hint };
}

function data({ command, dataDirectory, retentionBytes, clock }: Config): Line {
  if (dataDirectory === undefined) {
    const cause = clock === "simulated" ? "--clock simulated without --data" : "--ephemeral";
    const hint =
      retentionBytes === undefined ? {} : { hint: `above ${describeSize(retentionBytes)} the oldest messages go` };
    return { label: "Data", fact: `none: ${cause} forgets everything at the end`, ...hint };
  }
  return {
    label: "Data",
    fact: dataDirectory,
    hint: command === "dev" ? "kept; to wipe it, start with --reset" : "kept",
  };
}

function describeHastened({ hastened }: Config): string {
  return hastened.map(({ from, to }) => `${describeTime(from)} → ${describeTime(to)}`).join(", ");
}

function describeSize(bytes: number): string {
  const mib = Math.floor(bytes / 2 ** 20);
  return mib % 1_024 === 0 ? `${mib / 1_024} GiB` : `${mib} MiB`;
}

/** In round words: nobody needs to know that 15 minutes are 864 seconds. */
function describeTime(millis: number): string {
  const seconds = Math.ceil(millis / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.ceil(minutes / 60)} h`;
}
