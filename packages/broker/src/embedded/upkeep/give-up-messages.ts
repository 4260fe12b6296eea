import type { EpochMs } from "../../domain/time.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Fact } from "../journal/fact.ts";
import { FileJournal } from "../journal/file-journal.ts";
import { LOST_MESSAGE_ID } from "../lost-message.ts";
import { openLedger } from "../open-ledger.ts";
import type { Ledger } from "../state/ledger.ts";
import { NO_TAG } from "../state/tag-set.ts";
import { type Alive, findAlive } from "./find-alive.ts";
import type { Findings } from "./findings.ts";
import { LEDGER_SETTINGS } from "./inspect-data.ts";

/** Stores again what is sound in the damaged bytes, and ends the life of what is not. */
export async function giveUpMessages(
  runtime: Runtime,
  { directory, version }: { readonly directory: string; readonly version: string },
  { segments, identity, damages }: Findings,
): Promise<void> {
  const ranges = damages.flatMap((damage) => {
    if (damage.sort === "unreadable") return [{ from: damage.run.base ?? 0, to: damage.run.to }];
    if (damage.sort !== "bytes" && damage.sort !== "filled") return [];
    const base = segments.find(({ header }) => header.number === damage.segment)?.header.base ?? 0;
    return damage.needed ? [] : [{ from: base + damage.from, to: base + damage.to }];
  });
  const journal = new FileJournal(runtime, { directory, version, clock: identity?.clock ?? "system" });
  await journal.open();
  try {
    const { ledger } = await openLedger(journal, LEDGER_SETTINGS, () => NO_TAG);
    const alive = await findAlive(runtime.disk, directory, segments, ledger, ranges);
    const now = Math.max(runtime.clock.now(), ledger.newestAt);
    for (const message of alive) {
      const facts =
        message.content === undefined ? loseFacts(message, ledger, now, runtime.clock.wall()) : saveFacts(message);
      await journal.synced(journal.append(facts).at(-1) ?? 0);
    }
  } finally {
    await journal.close();
  }
}

function saveFacts({ use, content }: Alive): Fact[] {
  return content === undefined ? [] : [{ kind: "message-copied-forward", ...use, ...content }];
}

function loseFacts({ use }: Alive, ledger: Ledger, at: EpochMs, wall: EpochMs): Fact[] {
  const { topic } = use;
  if ("half" in use) {
    const isOpen = ledger.half(topic, use.half)?.state !== "abandoned";
    const id = use.half;
    const abandoned: Fact[] = isOpen ? [{ kind: "transaction-abandoned", id, topic, at, wall }] : [];
    return [...abandoned, { kind: "half-message-dropped", id, topic, at }];
  }
  const message = { body: "", tag: "", key: "", properties: [] };
  const nothing: Fact = {
    kind: "message-copied-forward",
    ...use,
    messageId: LOST_MESSAGE_ID,
    message,
    publishedAt: at,
  };
  if ("delayed" in use) return [nothing];
  const { queue, offset } = use;
  const ends = [...(ledger.topicById(topic)?.subscriptions.values() ?? [])].flatMap((subscription): Fact[] => {
    const { ready, outstanding } = subscription.queue(queue);
    const whose = { topic, group: subscription.group, queue };
    if (ready.has(offset)) return [{ kind: "messages-passed-over", ...whose, ranges: [[offset, offset + 1]] }];
    return outstanding.has(offset) ? [{ kind: "deliveries-acknowledged", ...whose, offsets: [offset], at }] : [];
  });
  return [nothing, ...ends];
}
