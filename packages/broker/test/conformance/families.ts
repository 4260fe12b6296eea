import { deadLetterPollsRules } from "./dead-letter-polls.ts";
import { deadLetterRules } from "./dead-letters.ts";
import { delayedRules } from "./delayed.ts";
import { deliveryRules } from "./delivery.ts";
import { durabilityRules } from "./durability.ts";
import { filterRules } from "./filters.ts";
import { forgettingRules } from "./forgetting.ts";
import { givingBackRules } from "./giving-back.ts";
import { handleRules } from "./handles.ts";
import { instanceRules } from "./instances.ts";
import { orderedRules } from "./ordered.ts";
import { pollRules } from "./polls.ts";
import { publishingRules } from "./publishing.ts";
import { retentionRules } from "./retention.ts";
import { retriesRules } from "./retries.ts";
import { timeRules } from "./time.ts";
import { transactionsRules } from "./transactions.ts";

/** The rules that hold for every engine. */
export const FAMILIES = {
  publishing: publishingRules,
  polls: pollRules,
  instances: instanceRules,
  handles: handleRules,
  "giving-back": givingBackRules,
  filters: filterRules,
  delivery: deliveryRules,
  "dead-letters": deadLetterRules,
  retries: retriesRules,
  ordered: orderedRules,
  delayed: delayedRules,
  transactions: transactionsRules,
  deadLetterPolls: deadLetterPollsRules,
  retention: retentionRules,
  forgetting: forgettingRules,
  time: timeRules,
  durability: durabilityRules,
};
