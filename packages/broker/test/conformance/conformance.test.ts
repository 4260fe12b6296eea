import { describeMessaging } from "./describe-messaging.ts";
import { engines } from "./engines.ts";
import { FAMILIES } from "./families.ts";

for (const engine of engines) describeMessaging(engine, FAMILIES);
