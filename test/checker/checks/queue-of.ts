import type { Settings } from "../history.ts";

/** ORD-1: the message queue of a message. Undefined where nobody told how many its topic has. */
export function queueOf({ topics }: Settings, { topic, key }: { topic: string; key?: string }): string | undefined {
  const settings = topics[topic];
  if (settings === undefined) return undefined;
  const queue = settings.kind === "ordered" ? Math.abs(javaStringHash(key ?? "") % settings.queues) : 0;
  return `${topic}/${queue}`;
}

function javaStringHash(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  return hash;
}
