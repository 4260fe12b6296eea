import { readFile } from "node:fs/promises";

const MIB = 1_024 * 1_024;

/** Resident memory of a process in MiB: now, and at its highest since it started or since `forgetPeak`. */
export async function memoryOf(pid: number): Promise<{ nowMiB: number; peakMiB: number }> {
  const status = await readFile(`/proc/${pid}/status`, "latin1");
  const mib = (name: string) =>
    Math.round((Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1_024) / MIB);
  return { nowMiB: mib("VmRSS"), peakMiB: mib("VmHWM") };
}
