import { pollUntilStopped } from "../background/poll-until-stopped.ts";
import { WorkPool } from "../background/work-pool.ts";
import type { Core } from "../calls/core.ts";
import type { CheckedMessage, Decide, Endable } from "./transactional-producer.ts";

/** What a checker does, for whom. */
export interface CheckingTask<T> {
  readonly topic: string;
  readonly concurrency: number;
  receive(maxMessages: number, signal: AbortSignal): Promise<readonly CheckedMessage<T>[]>;
  commit(handle: Endable): Promise<void>;
  rollback(handle: Endable): Promise<void>;
  readonly decide: Decide<T>;
}

const MAX_BATCH = 16;

/** Asks for half messages, and ends those that are decided, until it is stopped. */
export async function answerChecks<T>(core: Core, task: CheckingTask<T>, stopping: AbortSignal): Promise<void> {
  const pool = new WorkPool(task.concurrency);
  const poll = async (): Promise<readonly CheckedMessage<T>[]> => {
    await pool.room();
    return task.receive(Math.min(MAX_BATCH, pool.free), stopping);
  };
  try {
    for await (const messages of pollUntilStopped(core, `Receiving half messages of ${task.topic}`, stopping, poll)) {
      for (const message of messages) await pool.start(() => answer(core, task, message));
    }
  } finally {
    await pool.idle();
  }
}

async function answer<T>({ settings }: Core, task: CheckingTask<T>, message: CheckedMessage<T>): Promise<void> {
  try {
    const decision = await task.decide(message);
    if (decision !== "unknown") await task[decision](message);
  } catch (error) {
    const { messageId, attempt } = message;
    const sentence = `Half message ${messageId} of ${task.topic} was not ended, and is asked about again: ${String(error)}`;
    settings.logger.warn(sentence, { messageId, attempt, error });
  }
}
