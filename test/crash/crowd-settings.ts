import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Settings } from "../checker/history.ts";
import { type BrokerOptions, newDirectory } from "../process/broker-process.ts";
import { CROWD_TOPICS, GROUP_OF_FEW_RETRIES } from "./crowd.ts";

/** What `--fast` makes of 200 s, a minute and 10 s. */
const ENVIRONMENT = { STAGEMQ_INVISIBLE_FOR: "200s", STAGEMQ_LOG_LEVEL: "warn" };
/** The least that `--fast` leaves. */
export const IMMUNITY_MS = 1_000;
const FEW_RETRIES = 1;

/** A broker for a crowd, as the checker is told. A start may take 2 s, and this is no measurement: five times that. */
export const CROWD_SETTINGS: Settings = {
  topics: CROWD_TOPICS,
  groups: { [GROUP_OF_FEW_RETRIES]: { maxRetries: FEW_RETRIES } },
  invisibleForMs: { plain: 2_000, ordered: 1_000, half: 1_000 },
  maxRetries: 288,
  checkRoundedToMs: 100,
  checksForMs: 864_000,
  skewMs: 10,
  lateMs: 5_000,
  startWithinMs: 10_000,
  drainWithinMs: 60_000,
};

const CONFIGURATION = `instances:
  - id: MQ_INST_dev
    groups:
      - { id: ${GROUP_OF_FEW_RETRIES}, maxRetries: ${FEW_RETRIES}, from: earliest }
`;

/** The same, as the broker is told; `more` may say more. */
export async function crowdBroker({
  args = [],
  environment = {},
  ...more
}: BrokerOptions = {}): Promise<BrokerOptions> {
  const file = join(await newDirectory(), "stagemq.yaml");
  await writeFile(file, CONFIGURATION);
  return {
    ...more,
    args: ["--fast", "--config", file, ...args],
    environment: { ...ENVIRONMENT, ...environment },
  };
}
