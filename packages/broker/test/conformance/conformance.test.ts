import { describeMessaging } from "./describe-messaging.ts";
import { engines } from "./engines.ts";
import { orderedRules } from "./ordered.ts";

const FAMILIES = {
  ordered: orderedRules,
};

for (const engine of engines) describeMessaging(engine, FAMILIES);
