import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import type { Tasks } from "../load/tasks.ts";
import type { Peer, PeerName, StartedPeer } from "../peers/peer.ts";
import { PEERS } from "../peers/peers.ts";
import { LoadProcess } from "./load-process.ts";
import type { Results } from "./results.ts";
import type { Usage } from "./usage.ts";

/** What one task cost the server. */
export interface Measured<Result> {
  readonly result: Result;
  /** How much more it had used afterwards; memory is what it had then. */
  readonly used: Usage;
}

/** A server of one peer and its clients. */
export class Member {
  readonly name: PeerName;
  readonly load: LoadProcess;
  readonly #started: StartedPeer;

  static async open(name: PeerName, started: StartedPeer): Promise<Member> {
    return new Member(name, started, await LoadProcess.open(name, started.port));
  }

  private constructor(name: PeerName, started: StartedPeer, load: LoadProcess) {
    [this.name, this.#started, this.load] = [name, started, load];
  }

  get server(): StartedPeer["server"] {
    return this.#started.server;
  }

  async measure<Name extends "publish" | "consume">(
    task: Name,
    words: Parameters<Tasks[Name]>[0],
  ): Promise<Measured<Awaited<ReturnType<Tasks[Name]>>>> {
    const before = await this.server.usage();
    const result = await this.load.do(task, words);
    return { result, used: since(before, await this.server.usage()) };
  }

  async stop(): Promise<void> {
    await this.load.stop();
    await this.server.stop();
    for (const helper of this.#started.helpers ?? []) await helper.stop();
  }
}

export function since(before: Usage, after: Usage): Usage {
  return {
    processorMicros: after.processorMicros - before.processorMicros,
    writtenBytes: after.writtenBytes - before.writtenBytes,
    residentMegabytes: after.residentMegabytes,
  };
}

/** The servers that are up. Started together when they are first needed, so that rounds can go from one to the other. */
export class Team {
  readonly #members = new Map<PeerName, Member>();
  readonly #wanted: readonly Peer[];
  readonly #directory: string;
  readonly #results: Results;

  constructor(directory: string, results: Results, wanted: readonly PeerName[] | undefined) {
    [this.#directory, this.#results] = [directory, results];
    this.#wanted = PEERS.filter(({ name }) => wanted === undefined || wanted.includes(name));
  }

  /** All that are wanted and can be started. */
  async members(): Promise<readonly Member[]> {
    await Promise.all(this.#wanted.map((peer) => this.#start(peer)));
    return this.#wanted.flatMap(({ name }) => this.#members.get(name) ?? []);
  }

  /** Ends all of them: what follows is to have the machine for itself. */
  async stop(): Promise<void> {
    await Promise.all([...this.#members.values()].map((member) => member.stop()));
    this.#members.clear();
  }

  async #start(peer: Peer): Promise<void> {
    if (this.#members.has(peer.name)) return;
    const missing = peer.missing();
    if (missing !== undefined) {
      this.#results.leaveOut(`${peer.title}: ${missing}`);
      return;
    }
    const directory = mkdtempSync(join(this.#directory, `${peer.name}-`));
    try {
      this.#members.set(peer.name, await Member.open(peer.name, await peer.start(directory)));
    } catch (error) {
      this.#results.leaveOut(`${peer.title}: did not start: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
