import { afterAll, expect, it } from "vitest";
import { cleanUp } from "../process/broker-process.ts";
import { fuzz } from "./fuzz/fuzz.ts";

/** The long form is `npm run fuzz`. */
const INPUTS = 2_000;
const SEED = Number(process.env.STAGEMQ_SEED ?? Date.now() % 1_000_000);

afterAll(cleanUp);

it(`whatever comes over a socket, the broker answers or ends it, serves on and loses nothing (seed ${SEED})`, async () => {
  const { failures, statuses, kept } = await fuzz({ seed: SEED, inputs: INPUTS });
  expect(failures).toEqual([]);
  // The inputs were worth sending: some were served, others refused at every stage.
  expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 201, 400, 404, 405]));
  expect(kept).toBeGreaterThan(0);
});
