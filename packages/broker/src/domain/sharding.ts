/** Java's `String.hashCode`: over UTF-16 code units, wrapping at 32 bits. */
function javaStringHash(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash;
}

/** The message queue that a sharding key chooses (ORD-1), as RocketMQ's SelectMessageQueueByHash does. */
export function queueOfShardingKey(shardingKey: string, queues: number): number {
  return Math.abs(javaStringHash(shardingKey) % queues);
}
