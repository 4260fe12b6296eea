import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newDirectory } from "../process/broker-process.ts";
import { faketimeLibrary } from "./requirements.ts";

/** A wall clock that can be stepped while a process runs; its other clocks go on. */
export class FakedClock {
  readonly environment: Readonly<Record<string, string>>;
  readonly #file: string;

  static async make(): Promise<FakedClock> {
    const clock = new FakedClock(join(await newDirectory(), "offset"));
    await clock.step(0);
    return clock;
  }

  private constructor(file: string) {
    this.#file = file;
    this.environment = {
      LD_PRELOAD: faketimeLibrary() ?? "",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      FAKETIME_NO_CACHE: "1",
      FAKETIME_TIMESTAMP_FILE: file,
    };
  }

  /** From now on it is ahead of ours by so much. */
  async step(offsetMs: number): Promise<void> {
    const sign = offsetMs < 0 ? "-" : "+";
    // Never half written: an empty file would be a step too.
    await writeFile(`${this.#file}.new`, `${sign}${Math.abs(offsetMs) / 1_000}`);
    await rename(`${this.#file}.new`, this.#file);
  }
}
