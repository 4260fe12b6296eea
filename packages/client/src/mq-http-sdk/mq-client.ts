import type { Caller } from "./caller.ts";
import { connectionOf } from "./connections.ts";
import { MQConsumer } from "./mq-consumer.ts";
import { MQProducer } from "./mq-producer.ts";
import { MQTransProducer } from "./mq-trans-producer.ts";
import { needed } from "./needed.ts";

/** The way to one endpoint. One serves a whole process; what is made of it shares its connections. */
export class MQClient implements Caller {
  readonly endpoint: string;
  accessKeyId: string;
  accessKeySecret: string;
  securityToken: string | null | undefined;

  /**
   * @param endpoint `http://host:port` or `https://host:port`; a slash at its end does no harm
   * @param securityToken of a temporary access key
   * @throws TypeError if one of the first three is missing, InvalidArgumentError if the endpoint is none
   */
  constructor(endpoint: string, accessKeyId: string, accessKeySecret: string, securityToken?: string | null) {
    needed(endpoint, "endpoint");
    needed(accessKeyId, "accessKeyId");
    needed(accessKeySecret, "accessKeySecret");
    this.endpoint = endpoint;
    this.accessKeyId = accessKeyId;
    this.accessKeySecret = accessKeySecret;
    this.securityToken = securityToken;
    // A bad endpoint is told here, not by the first call.
    connectionOf(this);
  }

  /** @param instanceId empty, null or undefined: the endpoint's own instance */
  getProducer(instanceId: string | null | undefined, topic: string): MQProducer {
    return new MQProducer(this, instanceId, topic);
  }

  /**
   * @param instanceId empty, null or undefined: the endpoint's own instance
   * @param groupId the producer group, which is asked about half messages
   */
  getTransProducer(instanceId: string | null | undefined, topic: string, groupId: string): MQTransProducer {
    return new MQTransProducer(this, instanceId, topic, groupId);
  }

  /**
   * @param instanceId empty, null or undefined: the endpoint's own instance
   * @param consumer the consumer group
   * @param messageTag a tag, or several, `a||b`; absent: all messages
   */
  getConsumer(
    instanceId: string | null | undefined,
    topic: string,
    consumer: string,
    messageTag?: string | null,
  ): MQConsumer {
    return new MQConsumer(this, instanceId, topic, consumer, messageTag);
  }
}
