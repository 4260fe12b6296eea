import type { EpochMs } from "../../domain/time.ts";
import type { Ledger } from "../state/ledger.ts";
import type { MessageQueue } from "../state/message-queue.ts";
import type { Context } from "./context.ts";

/** What is dated then or before is too old (RET-1); nothing is while the wall clock is not to be trusted (TIM-2). */
export function newestTooOld(ledger: Ledger, context: Pick<Context, "moment" | "settings">): EpochMs {
  const { moment, settings } = context;
  return ageRestsUntil(ledger, settings) > moment.now ? Number.NEGATIVE_INFINITY : moment.wall - settings.retentionAge;
}

/** Whether something there had to stay for the next slice: until it is gone the queue is closed (RET-1). */
export function holdsTooOld(messages: MessageQueue, tooOld: EpochMs): boolean {
  return messages.count > 0 && messages.visibleAt(messages.head) <= tooOld;
}

/** TIM-2: until then nothing is dropped by age and no half message abandoned, by `now()`. */
export function ageRestsUntil(ledger: Ledger, { ageRestsFor }: Context["settings"]): EpochMs {
  return ledger.wallClockStep === undefined ? Number.NEGATIVE_INFINITY : ledger.wallClockStep.at + ageRestsFor;
}
