import { runProgram } from "../process/broker-process.ts";

/** What `stagemq fsck --json` says, as far as it is asked here. */
export interface FsckReport {
  readonly sound: boolean;
  readonly tornBytes: number;
  readonly topics: readonly { readonly topic: string; readonly messages: number }[];
  readonly damages: readonly { readonly file: string; readonly what: string; readonly stopsStart: boolean }[];
}

export async function fsck(directory: string): Promise<FsckReport> {
  const { code, output, errorOutput } = await runProgram("fsck", directory, "--json", "--quiet");
  if (code !== 0 && code !== 1) throw new Error(`fsck ended with ${code}: ${errorOutput}`);
  return JSON.parse(output) as FsckReport;
}
