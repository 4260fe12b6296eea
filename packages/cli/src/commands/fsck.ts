import { resolve } from "node:path";
import type { DataReport, RepairProposal } from "@stagemq/broker";
import { EXIT } from "../exit-codes.ts";
import type { Surroundings } from "../host.ts";
import { type ShownProgress, showProgress } from "../progress-bar.ts";
import { describeReport } from "./describe-report.ts";

export interface FsckFlags {
  readonly repair?: boolean;
  readonly yes?: boolean;
  /** False: what is removed is gone. */
  readonly copy: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Says what stands in a data directory and what of it is damaged, and repairs it on request; resolves to the exit code. */
export async function fsck(given: string, flags: FsckFlags, around: Surroundings): Promise<number> {
  const { host, door } = around;
  const directory = resolve(host.directory, given);
  const progress = showProgress(host, { quiet: flags.quiet ?? false });
  if (flags.repair) return await repair(directory, flags, around, progress);
  const report = await door.inspectDirectory(directory, host, progress).finally(progress.end);
  host.answer(flags.json ? formatJson(report) : describeReport(report));
  if (report.sound) return EXIT.ok;
  if (!flags.json) host.answer(`${report.obstacle ?? `Repair it: stagemq fsck ${given} --repair`}\n`);
  return EXIT.failure;
}

async function repair(
  directory: string,
  flags: FsckFlags,
  { host, door }: Surroundings,
  progress: ShownProgress,
): Promise<number> {
  let exitCode: number = EXIT.failure;
  const done: string[] = [];
  const agrees = async (proposal: RepairProposal): Promise<boolean> => {
    progress.end();
    host.tell(describeProposal(proposal));
    done.push(...proposal.steps);
    if (flags.yes) return true;
    if (!host.interactive) {
      host.tell(
        "--repair asks before it changes anything, and here is nobody to answer. Add --yes to repair without asking.\n",
      );
      exitCode = EXIT.usage;
      return false;
    }
    return /^y(es)?$/i.test((await host.ask("Go on? [y/N] ")).trim());
  };
  const request = { directory, keepsCopies: flags.copy, progress };
  const report = await door.repairDirectory(request, host, agrees).finally(progress.end);
  if (report === undefined) {
    host.tell("Nothing was changed.\n");
    return exitCode;
  }
  host.answer(flags.json ? formatJson({ ...report, repaired: done }) : describeReport(report));
  return EXIT.ok;
}

function describeProposal({ report, steps, copiesTo }: RepairProposal): string {
  const copies =
    copiesTo === undefined ? "Nothing of what is removed is kept." : `What is removed is kept in ${copiesTo}.`;
  return `${describeReport(report)}To repair it:\n${steps.map((step) => `  ${step}\n`).join("")}${copies}\n`;
}

function formatJson(report: DataReport & { readonly repaired?: readonly string[] }): string {
  return `${JSON.stringify(report, undefined, 2)}\n`;
}
