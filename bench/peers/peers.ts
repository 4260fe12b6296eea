import { BEANSTALKD } from "./beanstalkd.ts";
import { NATS } from "./nats.ts";
import { NODE_HTTP } from "./node-http.ts";
import type { Peer } from "./peer.ts";
import { POSTGRESQL } from "./postgresql.ts";
import { RABBITMQ } from "./rabbitmq.ts";
import { BULLMQ, REDIS } from "./redis.ts";
import { STAGEMQ } from "./stagemq.ts";

/** In the order in which they take turns. */
export const PEERS: readonly Peer[] = [STAGEMQ, NODE_HTTP, REDIS, RABBITMQ, NATS, POSTGRESQL, BEANSTALKD, BULLMQ];
