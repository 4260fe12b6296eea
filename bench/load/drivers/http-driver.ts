import { HttpConnection } from "../../../packages/cli/src/bench/http-connection.ts";
import { type Caller, SignedOperation } from "../../../packages/cli/src/bench/signed-operation.ts";
import {
  BATCH,
  type Clients,
  type Consumer,
  type Driver,
  LABEL_BYTES,
  type MessageKind,
  type Place,
  type Publisher,
  padOf,
  type Taker,
} from "../driver.ts";

const GROUP = "GID_bench";
const CREATED = 201;
const HOUR_MS = 3_600_000;
/** The longest there is: half messages are not asked about while they are measured. */
const CHECK_AFTER_SECONDS = 300;
const WAIT_SECONDS = 1;

/**
 * Speaks the signed protocol on bare sockets, to stagemq and to the bare `node:http`. The signature of a publish covers its date
 * and target, not its body, so it is made once a second; each message has a key of its own.
 */
export class HttpDriver implements Driver {
  readonly #caller: Caller;

  constructor(port: number) {
    const endpoint = new URL(`http://127.0.0.1:${port}`);
    this.#caller = { endpoint, accessKeyId: "dev", accessKeySecret: "dev-secret", securityToken: undefined };
  }

  async begin(place: Place): Promise<Clients> {
    const { name, publishers, consumers, kind } = place;
    const open = (count: number) => openConnections(this.#caller.endpoint, count);
    const [publishing, consuming] = [await open(publishers), await open(consumers)];
    return {
      publishers: publishing.map((connection, index) => this.#publisher(connection, place, index)),
      consumers: consuming.map((connection) => this.#consumer(connection, name, kind === "ordered")),
      close: async () => {
        for (const connection of [...publishing, ...consuming]) connection.close();
      },
    };
  }

  #publisher(connection: HttpConnection, place: Place, index: number): Publisher {
    const { name: topic, kind } = place;
    const pad = padOf(place);
    const publish = new SignedOperation({ name: "publish-message", topic }, this.#caller);
    const commit = new SignedOperation(
      { name: "end-transaction", topic, consumer: GROUP, resolution: "commit" },
      this.#caller,
    );
    const properties = propertiesOf(kind, index);
    return {
      async publish(label) {
        const reply = await connection.exchange(
          publish.toBytes(publishDocument(label + pad, `KEYS:${label}|${properties}`)),
        );
        if (reply.status !== CREATED) throw new Error(`answered ${reply.status}: ${reply.body.toString()}`);
        if (kind !== "half-commit") return textOf(reply.body, "MessageId");
        const handle = textOf(reply.body, "ReceiptHandle") ?? "";
        const ended = await connection.exchange(commit.toBytes(handlesDocument([handle])));
        if (ended.status !== 204) throw new Error(`answered ${ended.status}: ${ended.body.toString()}`);
        return textOf(reply.body, "MessageId");
      },
    };
  }

  #consumer(connection: HttpConnection, topic: string, ordered: boolean): Consumer {
    const place = { topic, consumer: GROUP };
    const mode = ordered ? "ordered" : "concurrent";
    const poll = new SignedOperation(
      { name: "consume-messages", ...place, mode, tag: "", maxMessages: BATCH, waitSeconds: WAIT_SECONDS },
      this.#caller,
    );
    const acknowledge = new SignedOperation({ name: "acknowledge-messages", ...place }, this.#caller);
    return {
      async consume(taker: Taker) {
        while (!taker.isDone) {
          const reply = await connection.exchange(poll.toBytes());
          if (reply.status === 404) continue;
          if (reply.status !== 200) throw new Error(`answered ${reply.status}: ${reply.body.toString()}`);
          const document = reply.body.toString("latin1");
          taker.received(textsOf(document, "MessageBody", LABEL_BYTES));
          const ended = await connection.exchange(
            acknowledge.toBytes(handlesDocument(textsOf(document, "ReceiptHandle"))),
          );
          if (ended.status !== 204) throw new Error(`answered ${ended.status}: ${ended.body.toString()}`);
        }
      },
    };
  }
}

/** So many at once, and not more than a server takes in one go. */
export async function openConnections(endpoint: URL, count: number, atOnce = 64): Promise<HttpConnection[]> {
  const connections: HttpConnection[] = [];
  while (connections.length < count) {
    const some = Array.from({ length: Math.min(atOnce, count - connections.length) }, () =>
      HttpConnection.open(endpoint),
    );
    connections.push(...(await Promise.all(some)));
  }
  return connections;
}

function propertiesOf(kind: MessageKind, index: number): string {
  switch (kind) {
    case "normal":
      return "";
    case "ordered":
      return `__SHARDINGKEY:${index}|`;
    case "delayed":
      return `__STARTDELIVERTIME:${Date.now() + HOUR_MS}|`;
    case "half":
    case "half-commit":
      return `__TransCheckT:${CHECK_AFTER_SECONDS}|`;
  }
}

export function publishDocument(body: string, properties: string): string {
  return `<Message><MessageBody>${body}</MessageBody><Properties>${properties}</Properties></Message>`;
}

function handlesDocument(handles: readonly string[]): string {
  return `<ReceiptHandles>${handles.map((handle) => `<ReceiptHandle>${handle}</ReceiptHandle>`).join("")}</ReceiptHandles>`;
}

/** The text of an element that occurs once. What the suite publishes needs no unescaping. */
function textOf(body: Buffer, name: string): string | undefined {
  return textsOf(body.toString("latin1"), name)[0];
}

/** The texts of all elements of a name, or how they begin: a scan costs a fraction of what reading the document would. */
function textsOf(document: string, name: string, length?: number): string[] {
  const texts: string[] = [];
  const open = `<${name}>`;
  for (let at = document.indexOf(open); at >= 0; at = document.indexOf(open, at)) {
    at += open.length;
    texts.push(document.slice(at, length === undefined ? document.indexOf("<", at) : at + length));
  }
  return texts;
}
