import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, readdir, rename, rm, symlink } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { clearTimeout, setTimeout } from "node:timers";
import type { DiskLock, LockHolder } from "../disk.ts";

/**
 * A lock that the kernel drops when its holder dies: a listening Unix socket in the directory (DUR-4). Announce, then look
 * (DUR-4): of two that announce themselves at once, at least one sees the other, and the smaller name goes first.
 */

const LOCK = /^lock-[0-9a-f]{16}$/;
const UNFINISHED = /^new-lock-[0-9a-f]{16}$/;
/** Node cuts a longer socket path short in silence, at 108 bytes on Linux and 104 on macOS. */
const MAX_SOCKET_PATH_BYTES = 100;
/** For the answer of one that is stopped (SIGSTOP) or busy; it listens, so it lives. */
const ANSWER_WITHIN_MS = 2_000;
const ASK_AGAIN_AFTER_MS = 10;
/** Smaller than any lock's name, and none. */
const NOBODY = "";

type Answer = { readonly state: "holding" | "starting"; readonly pid: number | undefined };

export async function lockDirectory(directory: string, pid: number): Promise<DiskLock | LockHolder> {
  const reach = await shortWayTo(directory);
  try {
    for (;;) {
      const announced = await announce(directory, reach.directory, pid);
      if (!announced) continue; // a holder tidied up between our bind and our rename
      try {
        const first = await look(directory, reach.directory, announced.name);
        if (!first) {
          announced.hold();
          await tidyUp(directory);
          return { held: true, release: () => announced.withdraw() };
        }
      } catch (error) {
        await announced.withdraw();
        throw error;
      }
      await announced.withdraw();
      // Who went before us may itself give way: DUR-4 wants the name of the one that holds. If all are gone, it is our turn.
      const holder = await look(directory, reach.directory, NOBODY);
      if (holder) return { held: false, pid: holder.pid };
    }
  } finally {
    await reach.leave();
  }
}

interface Announced {
  readonly name: string;
  hold(): void;
  withdraw(): Promise<void>;
}

/** Listens first and takes the name of a lock then, or others would find a lock that refuses them and think it dead. */
async function announce(directory: string, reach: string, pid: number): Promise<Announced | undefined> {
  let state = "starting";
  const name = `lock-${randomBytes(8).toString("hex")}`;
  const server = net.createServer((socket) => {
    socket.on("error", () => socket.destroy()); // who asked may hang up before the answer
    socket.end(`${state} ${pid}\n`);
  });
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path.join(reach, `new-${name}`), resolve);
  });
  const withdraw = async (): Promise<void> => {
    await rm(path.join(directory, name), { force: true });
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
  };
  try {
    await chmod(path.join(directory, `new-${name}`), 0o600); // DUR-6
    await rename(path.join(directory, `new-${name}`), path.join(directory, name));
  } catch (error) {
    await withdraw();
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  const hold = (): void => {
    state = "holding";
  };
  return { name, hold, withdraw };
}

/**
 * Asks every other lock until none is left that lives; returns who goes first, if somebody does. To one that is nobody only
 * a holder does.
 */
async function look(directory: string, reach: string, own: string): Promise<Answer | undefined> {
  for (;;) {
    const others = (await readdir(directory)).filter((name) => LOCK.test(name) && name !== own);
    let mustAskAgain = false;
    for (const other of others) {
      const answer = await ask(path.join(reach, other));
      if (answer === "dead") await rm(path.join(directory, other), { force: true });
      else if (answer === "busy") mustAskAgain = true;
      else if (answer.state === "holding" || other < own) return answer;
      else mustAskAgain = true;
    }
    if (!mustAskAgain) return undefined;
    await sleep(ASK_AGAIN_AFTER_MS);
  }
}

function ask(socketPath: string): Promise<Answer | "dead" | "busy"> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(socketPath);
    const timer = setTimeout(() => {
      socket.destroy();
      resolve({ state: "holding", pid: undefined });
    }, ANSWER_WITHIN_MS);
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", (error) => {
      const code = codeOf(error);
      if (code === "ECONNREFUSED" || code === "ENOENT") resolve("dead");
      else if (code === "EAGAIN" || code === "ECONNRESET" || code === "EPIPE") resolve("busy");
      else reject(error);
    });
    socket.on("close", () => {
      clearTimeout(timer);
      const [, state, pid] = /^(holding|starting) (\d+)\n$/.exec(text) ?? [];
      // Hung up without a word: it was just withdrawn, or died.
      resolve(state ? { state: state as Answer["state"], pid: Number(pid) } : "busy");
    });
  });
}

/** What was killed between its bind and its rename. Only the holder may: any other would take a starter's name away. */
async function tidyUp(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (UNFINISHED.test(name)) await rm(path.join(directory, name), { force: true });
  }
}

/** A path to the directory that leaves room for a socket's name: through a symbolic link where its own is too long. */
async function shortWayTo(directory: string): Promise<{ directory: string; leave(): Promise<void> }> {
  const longest = path.join(directory, `new-lock-${"0".repeat(16)}`);
  if (Buffer.byteLength(longest) <= MAX_SOCKET_PATH_BYTES) return { directory, leave: async () => {} };
  const roof = Buffer.byteLength(os.tmpdir()) <= 50 ? os.tmpdir() : "/tmp";
  const shelter = await mkdtemp(path.join(roof, "stagemq-lock-"));
  const link = path.join(shelter, "d");
  await symlink(path.resolve(directory), link);
  return { directory: link, leave: () => rm(shelter, { recursive: true, force: true }) };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
