import { cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { projectFiles } from "../project-files.ts";
import { runTool } from "../run-tool.ts";

/** A copy of the project in a directory of its own. Packages are linked to those installed here, workspaces to the copy's own. */
export async function makeScratchCopy(root: string): Promise<string> {
  const scratch = mkdtempSync(join(tmpdir(), "stagemq-planted-"));
  for (const file of await projectFiles(root)) {
    mkdirSync(dirname(join(scratch, file)), { recursive: true });
    cpSync(join(root, file), join(scratch, file));
  }
  linkPackages(join(root, "node_modules"), join(scratch, "node_modules"));
  for (const workspace of readdirSync(join(scratch, "packages"))) {
    const nested = join("packages", workspace, "node_modules");
    if (existsSync(join(root, nested))) linkPackages(join(root, nested), join(scratch, nested));
  }
  await runTool(scratch, "git", ["init", "--quiet"]);
  return scratch;
}

function linkPackages(from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    const [installed, link] = [join(from, name), join(to, name)];
    if (name.startsWith("@")) linkPackages(installed, link);
    else symlinkSync(lstatSync(installed).isSymbolicLink() ? readlinkSync(installed) : installed, link);
  }
}
