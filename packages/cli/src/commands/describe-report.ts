import type { DataReport } from "@stagemq/broker";
import { describeSize } from "../describe-size.ts";

/** What stands in a data directory, for people. */
export function describeReport(report: DataReport): string {
  const { directory, format, version, clock, segments, snapshots, topics, facts, tornBytes } = report;
  const made = format === undefined ? "" : `: data format ${format}, made by stagemq ${version}${describeClock(clock)}`;
  const sum = (count: "messages" | "delayed" | "half") => topics.reduce((all, topic) => all + topic[count], 0);
  const rows = [
    ["segments", segments.length, `${describeSize(sizeOf(segments))}, ${grouped(facts)} facts`],
    ["snapshots", snapshots.length, snapshots.length === 0 ? "" : describeSize(sizeOf(snapshots))],
    [
      "topics",
      topics.length,
      `${grouped(sum("messages"))} messages, ${grouped(sum("delayed"))} delayed, ${grouped(sum("half"))} half`,
    ],
    ["groups", report.groups, ""],
  ] as const;
  const lines = rows.map(([name, count, what]) =>
    `  ${name.padEnd(9)} ${grouped(count).padStart(5)}  ${what}`.trimEnd(),
  );
  const torn =
    tornBytes === 0 ? [] : [`  The last ${grouped(tornBytes)} bytes were never confirmed; the next start cuts them.`];
  return [`${directory}${made}`, ...lines, ...torn, ...describeDamages(report), ""].join("\n");
}

function describeDamages({ damages }: DataReport): string[] {
  if (damages.length === 0) return ["No damage."];
  const lines = damages.map(({ file, what, stopsStart, lost }) => {
    const loss =
      lost === undefined || lost.messages === 0
        ? ""
        : `: ${lost.atLeast ? "at least " : ""}${grouped(lost.messages)} ${lost.messages === 1 ? "message" : "messages"} of ${lost.topics.join(", ")}`;
    return `  ${file}: ${what}${loss}${stopsStart ? " (stops the start)" : ""}`;
  });
  return [`${damages.length} ${damages.length === 1 ? "damage" : "damages"}:`, ...lines];
}

function describeClock(clock: DataReport["clock"]): string {
  return clock === "simulated" ? " with --clock simulated, and opens only with it" : "";
}

function sizeOf(files: readonly { readonly bytes: number }[]): number {
  return files.reduce((all, { bytes }) => all + bytes, 0);
}

function grouped(number: number): string {
  return number.toLocaleString("en-US");
}
