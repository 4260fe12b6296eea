import { SECOND } from "../domain/time.ts";
import type { Alarm, Clock } from "../runtime/clock.ts";

const LINGER_FOR = 2 * SECOND;

/**
 * Calls `leave` after a while in which a client may still send: a connection that is closed with bytes unread is reset,
 * which may overtake what was said to it last.
 */
export function linger(clock: Clock, leave: () => void): Alarm {
  return clock.alarm(clock.now() + LINGER_FOR, leave);
}
