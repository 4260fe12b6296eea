/** What a program sees that moves here from the cloud service, or back. Nothing is accepted and ignored in silence. */
export interface CloudDifference {
  readonly subject: string;
  /** What its documentation says, or real answers of it show; "not documented" where nothing does. */
  readonly cloud: string;
  readonly stagemq: string;
  /** The promise that holds it, where there is one. */
  readonly rule?: string;
}

export const CLOUD_DIFFERENCES: readonly CloudDifference[] = [
  {
    subject: "Topics and groups",
    cloud: "are created in its console",
    stagemq: "are made by first use in `dev`; declared in the file in `serve`",
    rule: "PUB-8",
  },
  {
    subject: "Access keys",
    cloud: "must be known",
    stagemq: "in `dev` on loopback an undeclared one is let in, said in the log",
    rule: "REQ-1",
  },
  {
    subject: "Temporary keys",
    cloud: "are issued by its STS",
    stagemq: "a `token` in the file must match; where none is declared a security token is not looked at",
    rule: "WIRE-37",
  },
  {
    subject: "Transport",
    cloud: "http and https",
    stagemq:
      "http; put a proxy with a certificate before it. It must pass path and query on as they are: they are signed",
  },
  {
    subject: "Kind of a topic",
    cloud: "one each; what a mismatch is answered is not documented",
    stagemq: "a mismatch is `InvalidArgument` in `serve`; `dev` lets it through and says so",
    rule: "PUB-2",
  },
  {
    subject: "Message queues of an ordered topic",
    cloud: "as many as it likes, one if globally ordered",
    stagemq: "8 unless declared; declare `queues: 1` for global order",
    rule: "ORD-1",
  },
  {
    subject: "Where a new group starts",
    cloud: "is set in its console",
    stagemq: "at the oldest message in `dev`, at the newest where the group is declared; a setting",
    rule: "DEL-11",
  },
  {
    subject: "Numbers out of range",
    cloud: "not documented",
    stagemq: "`numOfMessages`, `waitseconds` and the check immunity are brought to the nearest bound",
    rule: "DEL-7, TX-1",
  },
  {
    subject: "Unknown query parameters",
    cloud: "it has a code for them",
    stagemq: "are not looked at, so that newer clients work",
    rule: "WIRE-6",
  },
  {
    subject: "Characters that XML 1.0 cannot carry",
    cloud: "are accepted, and can break the consumer's batch",
    stagemq: "`MalformedXML` when published",
    rule: "WIRE-53",
  },
  {
    subject: "Line ends in bodies",
    cloud: "not documented",
    stagemq: "kept to the byte, CR too",
    rule: "PUB-5",
  },
  {
    subject: "Values with a colon in properties",
    cloud: "not documented",
    stagemq: "kept and used, left out of deliveries, said once in the log",
    rule: "PUB-9",
  },
  {
    subject: "Delivery times",
    cloud: "at most 40 days ahead, 3 days over HTTP",
    stagemq: "at most 40 days ahead; a setting",
    rule: "DLY-3",
  },
  {
    subject: "Names of topic and group together",
    cloud: "at most 119 characters",
    stagemq: "64 characters each, no bound on both together",
  },
  {
    subject: "Retries",
    cloud: "a fixed interval; the number that applies over HTTP is not documented",
    stagemq: "288, 5 min apart (ordered: 1 min); settings of the group",
    rule: "DEL-9",
  },
  {
    subject: "Acknowledging twice",
    cloud: "a handle is used once",
    stagemq: "succeeds again while the handle is good",
    rule: "DEL-5",
  },
  {
    subject: "A part of an ordered batch acknowledged",
    cloud: "the same messages come again",
    stagemq: "only those that were not acknowledged come again, in order",
    rule: "ORD-3",
  },
  {
    subject: "A client that hangs up during a poll",
    cloud: "not documented",
    stagemq: "its messages are ready again at once, and the attempt does not count",
    rule: "DEL-8",
  },
  {
    subject: "Dead letters",
    cloud: "are looked at in its console",
    stagemq:
      "are polled over HTTP as topic `%DLQ%<group>`, with `DLQ_ORIGIN_TOPIC` and `DLQ_ORIGIN_MESSAGE_ID` among their properties",
    rule: "DLQ-1, DLQ-4",
  },
  {
    subject: "A half message after a day of checks",
    cloud: "not documented",
    stagemq: "is abandoned: kept, never delivered by itself",
    rule: "TX-6",
  },
  {
    subject: "Who may answer a check",
    cloud: "the producer group",
    stagemq: "any group that polls the topic for half messages",
    rule: "TX-3, TX-7",
  },
  {
    subject: "Retention",
    cloud: "3 days",
    stagemq: "3 days from when a message became visible; a setting, and by size too if that is set",
    rule: "RET-1",
  },
  {
    subject: "Throttling",
    cloud: "`QpsLimitExceeded`",
    stagemq: "none: requests wait for memory, and 503 `InternalServerError` means that nothing was stored",
    rule: "PUB-6",
  },
  {
    subject: "Other protocols",
    cloud: "TCP and gRPC clients share topics and groups with HTTP clients",
    stagemq: "HTTP alone",
  },
];
