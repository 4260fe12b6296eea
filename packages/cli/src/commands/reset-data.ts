import type { Config } from "@stagemq/broker";
import { describeSize } from "../describe-size.ts";
import type { Surroundings } from "../host.ts";

/** Deletes what stagemq wrote, if the person agrees. Whether it is gone, or was never there. */
export function resetData({ dataDirectory = "", yes }: Config, { host, door }: Surroundings): Promise<boolean> {
  return door.resetData(dataDirectory, host, async ({ bytes, lastWrittenAt }) => {
    if (yes) return true;
    const found = `${describeSize(bytes)}, last written ${describeDate(lastWrittenAt)}`;
    const answer = await host.ask(`Delete all data in ${dataDirectory} (${found})? [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  });
}

/** On the clock of the one who is asked: 2026-11-20 18:03. */
function describeDate(at: number): string {
  const date = new Date(at);
  const two = (number: number) => String(number).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
