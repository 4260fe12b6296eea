import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Ended, Ready } from "./broker-process.ts";

const ROOT = resolve(import.meta.dirname, "../..");

export interface NpmStart {
  readonly npm: ChildProcess;
  readonly ready: Ready;
  /** All lines on standard output before the ready line. */
  readonly banner: readonly string[];
  readonly ended: Promise<Ended>;
  /** What came on standard output after the ready line. */
  rest(): readonly string[];
}

/** `npm start`, as a user types it, in a process group of its own; resolves when the broker serves. */
export async function npmStart(...args: readonly string[]): Promise<NpmStart> {
  // `npm test --silent` would silence this npm too.
  const env = { ...process.env, npm_config_loglevel: undefined };
  const npm = spawn("npm", args, { cwd: ROOT, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const said: string[] = [];
  npm.stderr.setEncoding("utf8").on("data", (text: string) => said.push(text));
  const ended = new Promise<Ended>((done) => npm.once("close", (code, signal) => done({ code, signal })));
  const lines: string[] = [];
  const ready = new Promise<Ready>((serve) => {
    createInterface({ input: npm.stdout }).on("line", (line) => {
      lines.push(line);
      if (line.startsWith("{")) serve(JSON.parse(line) as Ready);
    });
  });
  const first = await Promise.race([ready, ended]);
  if (!("pid" in first)) throw new Error(`npm ended with ${first.code}:\n${said.join("")}`);
  const bannerLines = lines.findIndex((line) => line.startsWith("{"));
  return { npm, ready: first, banner: lines.slice(0, bannerLines), ended, rest: () => lines.slice(bannerLines + 1) };
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
