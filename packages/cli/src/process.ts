import { createInterface } from "node:readline/promises";
import { EXIT } from "./exit-codes.ts";
import type { Host, Log } from "./host.ts";

/** RUN-2: Ctrl-C under npm arrives twice within a millisecond; only a later one means impatience. */
const SECOND_SIGNAL_AFTER_MS = 500;
/** How long a slow reader of standard error may hold up the end. */
const LAST_WORDS_MS = 200;

let crashLog: Log | undefined;

/** The real process: its streams, its signals, its end. */
export const processHost: Host = {
  environment: process.env,
  directory: process.cwd(),
  pid: process.pid,
  uid: process.getuid?.(),
  terminal: process.stderr.isTTY === true,
  interactive: process.stderr.isTTY === true && process.stdin.isTTY === true,
  columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  openDoor: () => import("@stagemq/broker"),
  answer: (text) => {
    process.stdout.write(text);
  },
  print,
  readInput: () => process.stdin,
  tell: (text) => {
    process.stderr.write(text);
  },
  ask,
  stopRequested,
  reportCrashesTo: (log) => {
    crashLog = log;
  },
};

/** Takes charge of lost promises, of errors that nobody caught and of pipes that were closed. */
export function watchProcess(): void {
  process.on("unhandledRejection", crash);
  process.on("uncaughtException", crash);
  // RUN-3: EPIPE. Whoever read our words has gone; the work goes on.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
}

/** Ends the process once its last words are out, or nobody seems to want them. */
export async function endProcess(exitCode: number): Promise<never> {
  const deadline = performance.now() + LAST_WORDS_MS;
  const isOwed = () => [process.stdout, process.stderr].some((stream) => stream.writable && stream.writableLength > 0);
  while (isOwed() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
  process.exit(exitCode);
}

function crash(reason: unknown): void {
  const error = reason instanceof Error ? reason : new Error(String(reason));
  const sentence = `stagemq stops: an error that nobody expected: ${error.message}`;
  if (crashLog === undefined) process.stderr.write(`${sentence}\n`);
  else crashLog.write("error", "process.crashed", { sentence, stack: error.stack });
  process.exitCode = EXIT.internal;
  endProcess(EXIT.internal).catch(() => process.exit(EXIT.internal));
}

function stopRequested(): Promise<void> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const onSignal = () => {
      if (firstAt === undefined) {
        firstAt = performance.now();
        resolve();
      } else if (performance.now() - firstAt >= SECOND_SIGNAL_AFTER_MS) {
        process.exit(EXIT.failure);
      }
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  });
}

function print(text: string): Promise<boolean> {
  return new Promise((resolve) => {
    process.stdout.write(text, (error) => resolve(!error));
  });
}

async function ask(question: string): Promise<string> {
  const questions = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // Ctrl-C and Ctrl-D close it, and then nobody would ever answer.
    const closed = new Promise<string>((resolve) => questions.once("close", () => resolve("")));
    return await Promise.race([questions.question(question), closed]);
  } finally {
    questions.close();
  }
}
