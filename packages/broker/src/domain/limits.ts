import { BrokerError } from "./broker-error.ts";
import { grouped } from "./grouped.ts";
import { KIB, MIB } from "./size.ts";
import { DAY, type DurationMs, SECOND } from "./time.ts";

/** What PUB-4, DEL-7, TX-1 and DLY-3 bound. Fixed by the protocol unless a setting says otherwise. */
export const MAX_BODY_BYTES = 4 * MIB;
/** For a message that is itself delayed or transactional. */
export const MAX_DEFERRED_BODY_BYTES = 64 * KIB;
const MAX_PROPERTIES_BYTES = 16 * KIB;
export const MAX_TAG_CHARACTERS = 64;
/** Of one poll's filter. */
export const MAX_FILTER_TAGS = 128;
export const MAX_BATCH = 16;
export const MAX_WAIT: DurationMs = 30 * SECOND;
export const MIN_FIRST_CHECK: DurationMs = 10 * SECOND;
export const MAX_FIRST_CHECK: DurationMs = 300 * SECOND;
export const DEFAULT_MAX_DELAY: DurationMs = 40 * DAY;
export const DEFAULT_MAX_BATCH_BYTES = 4 * MIB;

/** PUB-4: refuses properties whose text is too long. */
export function checkPropertiesBytes(bytes: number): void {
  if (bytes <= MAX_PROPERTIES_BYTES) return;
  throw new BrokerError(
    "message-too-large",
    `The properties have ${grouped(bytes)} bytes; ${grouped(MAX_PROPERTIES_BYTES)} are allowed.`,
  );
}
