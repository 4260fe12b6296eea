import { afterAll, beforeAll, describe, expect, it, type TestContext, vi } from "vitest";
import { BrokerProcess, cleanUp, newDirectory } from "../process/broker-process.ts";
import { Limit } from "./limit.ts";
import { OWN_CLIENTS } from "./own-clients.ts";
import { PLAYS, type Play, titleOf } from "./plays.ts";
import { restart } from "./scenarios/clients.ts";
import { type Sdk, SdkGaveUp } from "./sdk.ts";
import { kitOf, type OfficialKit, openSdk, SDKS, type SdkKit, whatIsMissing } from "./sdks.ts";
import { runSnippet } from "./snippets.ts";
import { type Setting, Stage } from "./stage.ts";

// What waits up to 70 s for real is played all at once; what works takes turns beside it, since the Node SDK gives up
// on a publish after 3 s.
vi.setConfig({ maxConcurrency: Number.POSITIVE_INFINITY });
const working = new Limit(5);
/** Of a scenario whose SDK lost its patience. */
const MAX_TIMES = 3;
/** With nothing in the caches of pip, Go and Maven. */
const PREPARED_WITHIN_MS = 300_000;

/**
 * `npm run test:sdk` plays all with each of the seven and with our own clients; `npm test` what takes no real time, with two of
 * the seven and our client.
 */
const isWhole = process.env.STAGEMQ_SDK_SUITE === "whole";
/** `.ci/run` sets it: there, what a registry delivers must run. */
const mustRun = process.env.STAGEMQ_CI !== undefined;
const OFFICIAL = isWhole ? SDKS : [kitOf("Node"), kitOf("Python")];
const KITS: readonly SdkKit[] = [...OFFICIAL, ...OWN_CLIENTS.filter(({ name }) => isWhole || name === "client")];
const PLAYED = PLAYS.filter(({ clock }) => isWhole || clock !== "real time");
const KEPT_IN_MEMORY = PLAYED.filter(({ scenario, clock }) => scenario !== restart && clock !== "real time");

const missing = new Map<SdkKit, string | undefined>();
for (const kit of KITS) missing.set(kit, await whatIsMissing(kit));
const canRun = (kit: SdkKit) => missing.get(kit) === undefined || (mustRun && kit.sourceVariable === undefined);
for (const kit of KITS) {
  if (canRun(kit)) playAll(kit, PLAYED, {});
  else it(kit.name, (test) => test.skip(`${kit.name} is left out: ${missing.get(kit)}`));
}
for (const kit of OFFICIAL.filter(canRun))
  describe.concurrent(kit.name, () => {
    it("the program on its page does what it says", () => working.run(() => trySnippet(kit)));
  });
if (!isWhole) playAll(kitOf("Node"), KEPT_IN_MEMORY, { isEphemeral: true });

afterAll(cleanUp);

function playAll(kit: SdkKit, plays: readonly Play[], setting: Setting): void {
  describe.concurrent(setting.isEphemeral ? `${kit.name}, with --ephemeral` : kit.name, () => {
    let sdk: Sdk | undefined;

    beforeAll(async () => {
      sdk = await openSdk(kit);
      await warmUp(sdk);
    }, PREPARED_WITHIN_MS);

    afterAll(() => sdk?.end());

    const playIt = async (play: Play, test: TestContext) => {
      if (sdk === undefined) throw new Error(`${kit.name} was not prepared`);
      await playWith(sdk, play, setting, test);
    };
    for (const operation of new Set(plays.map((play) => play.operation)))
      describe.concurrent(operation, () => {
        for (const play of plays.filter((one) => one.operation === operation))
          it(titleOf(play), (test) =>
            play.clock === "real time" ? playIt(play, test) : working.run(() => playIt(play, test)),
          );
      });
  });
}

/** Anew if the SDK lost its patience: on a machine that is too busy for it, that says nothing of the broker. */
async function playWith(sdk: Sdk, play: Play, setting: Setting, test: TestContext): Promise<void> {
  for (let time = 1; ; time++) {
    try {
      await playOnce(sdk, play, setting, test);
      return;
    } catch (error) {
      if (!(error instanceof SdkGaveUp) || time === MAX_TIMES) throw error;
      console.warn(`${sdk.name} gave up, and plays anew: ${titleOf(play)}: ${error.message}`);
    }
  }
}

async function playOnce(sdk: Sdk, { scenario, clock }: Play, setting: Setting, test: TestContext): Promise<void> {
  const stage = await Stage.open(sdk, scenario, { ...setting, isSimulated: clock === "simulated time" });
  test.onTestFailed(() => console.error(stage.log));
  try {
    await scenario.play(stage);
  } finally {
    await stage.close();
  }
}

async function trySnippet(kit: OfficialKit): Promise<void> {
  const broker = await BrokerProcess.start({ args: ["--ephemeral"] });
  expect(await runSnippet(kit, broker.endpoint, await newDirectory())).toBe("paid hello\n");
  await broker.stop();
}

/** Starts interpreters and loads classes before any scenario's clock runs. */
async function warmUp(sdk: Sdk): Promise<void> {
  const broker = await BrokerProcess.start({ args: ["--ephemeral"] });
  const { http, accessKeyId = "", accessKeySecret = "" } = broker.ready;
  const client = sdk.connect({ endpoint: http, accessKeyId, accessKeySecret });
  await client.publish("warm", { body: "up" });
  await client.consume({ topic: "empty", group: "GID_warm" }, { upTo: 1 });
  client.close();
  await broker.stop();
}
