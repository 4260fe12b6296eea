import { describeMessaging } from "./describe-messaging.ts";
import { snapshotting } from "./engines.ts";
import { FAMILIES } from "./families.ts";

// In a file of its own, so that it runs beside the other engines.
describeMessaging(snapshotting, FAMILIES);
