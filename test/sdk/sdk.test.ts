import { afterAll, describe, it, type TestContext, vi } from "vitest";
import { cleanUp } from "../process/broker-process.ts";
import { nodeSdk } from "./node-sdk.ts";
import { hasPython, PythonSdk } from "./python-sdk.ts";
import { clients, idlePoll, restart } from "./scenarios/clients.ts";
import { deadLetters } from "./scenarios/dead-letters.ts";
import { delayed } from "./scenarios/delayed.ts";
import { messages } from "./scenarios/messages.ts";
import { ordered } from "./scenarios/ordered.ts";
import { dayOfChecks, transactional } from "./scenarios/transactional.ts";
import type { Sdk } from "./sdk.ts";
import { type Scenario, type Setting, Stage } from "./stage.ts";

const ON_THE_SPOT = [...messages, ...clients];
const OVER_TIME = [...ordered, transactional, delayed, dayOfChecks, deadLetters];

// Six scenarios wait up to 70 s for real; the others play beside them.
vi.setConfig({ maxConcurrency: 10 });

const isPythonHere = await hasPython();
// `.ci/run` sets it: there, what cannot run has failed.
const mayBeMissing = process.env.STAGEMQ_CI === undefined;
let startedPython: Promise<PythonSdk> | undefined;
const SDKS = [
  { name: "Node", isHere: true, start: async (): Promise<Sdk> => nodeSdk },
  {
    name: "Python",
    isHere: isPythonHere || !mayBeMissing,
    start: (): Promise<Sdk> => {
      startedPython ??= PythonSdk.start();
      return startedPython;
    },
  },
];

afterAll(async () => {
  (await startedPython?.catch(() => undefined))?.end();
  await cleanUp();
});

// The longest first: the file takes as long as they do.
describe.concurrent("in real time", () => {
  for (const scenario of [...ordered, idlePoll, transactional]) playWithEach(scenario, {});
});

describe.concurrent("in simulated time", () => {
  for (const scenario of OVER_TIME) playWithEach(scenario, { isSimulated: true });
});

describe.concurrent("on the spot", () => {
  for (const scenario of [...ON_THE_SPOT, restart]) playWithEach(scenario, {});
});

describe.concurrent("with --ephemeral", () => {
  for (const { title, play } of [...ON_THE_SPOT, ...OVER_TIME])
    it(`Node: ${title}`, (test) => playWith(nodeSdk, play, { isEphemeral: true, isSimulated: true }, test));
});

function playWithEach({ title, play }: Scenario, setting: Setting): void {
  for (const { name, isHere, start } of SDKS)
    it(`${name}: ${title}`, async (test) => {
      if (!isHere) test.skip("no python3 with venv here, which the Python SDK needs");
      await playWith(await start(), play, setting, test);
    });
}

async function playWith(sdk: Sdk, play: Scenario["play"], setting: Setting, test: TestContext): Promise<void> {
  const stage = await Stage.open(sdk, setting);
  test.onTestFailed(() => console.error(stage.log));
  try {
    await play(stage);
  } finally {
    await stage.close();
  }
}
