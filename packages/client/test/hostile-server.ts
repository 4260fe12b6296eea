import { createServer, type Server, type Socket } from "node:net";

export interface SeenRequest {
  readonly line: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the server does with one request. */
export type Answer = (socket: Socket, request: SeenRequest) => void;

/** Answers each request with the next of its answers, and keeps what it saw. Without an answer it says nothing. */
export class HostileServer implements AsyncDisposable {
  readonly seen: SeenRequest[] = [];
  /** How often somebody connected. */
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #answers: Answer[] = [];
  #pollAnswers: Answer[] | undefined;
  readonly #waiting: [Socket, SeenRequest][] = [];
  #port = 0;

  private constructor() {
    this.#server = createServer((socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => undefined);
      readRequests(socket, (request) => {
        this.seen.push(request);
        if (request.line.startsWith("GET") && this.#pollAnswers?.length === 0) this.#waiting.push([socket, request]);
        const answers = request.line.startsWith("GET") ? (this.#pollAnswers ?? this.#answers) : this.#answers;
        answers.shift()?.(socket, request);
      });
    });
  }

  static async start(...answers: Answer[]): Promise<HostileServer> {
    const server = new HostileServer();
    server.next(...answers);
    await server.listen();
    return server;
  }

  next(...answers: Answer[]): this {
    this.#answers.push(...answers);
    return this;
  }

  /** Answers for polls alone: which of a poll and another request comes first is then no matter. */
  nextPolls(...answers: Answer[]): this {
    this.#pollAnswers ??= [];
    this.#pollAnswers.push(...answers);
    return this;
  }

  /** Answers the poll that has waited longest. */
  polled(answer: Answer): void {
    const [socket, request] = this.#waiting.shift() ?? [];
    if (socket === undefined || request === undefined) throw new Error("no poll waits");
    answer(socket, request);
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  /** Again on the port that it had. */
  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#port, "127.0.0.1", () => {
        const address = this.#server.address();
        this.#port = typeof address === "object" && address !== null ? address.port : 0;
        resolve();
      });
    });
  }

  /** Nobody listens any more, and all connections are cut. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

export const REQUEST_ID = "5DAEF2B9463541AD6E04490F";

export function reply(status: number, body = "", headers: Readonly<Record<string, string>> = {}): Answer {
  return (socket) => {
    const all = { "Content-Length": String(Buffer.byteLength(body)), "x-mq-request-id": REQUEST_ID, ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 ${status} Some Reason\r\n${lines.join("")}\r\n${body}`);
  };
}

export const PUBLISHED = reply(
  201,
  "<Message><MessageId>0123456789ABCDEF0123456789ABCDEF</MessageId><MessageBodyMD5>5D41402ABC4B2A76B9719D911017C592</MessageBodyMD5></Message>",
);

export const ACKNOWLEDGED = reply(204);

export function refusal(status: number, code: string, message = "No."): Answer {
  return reply(status, `<Error><Code>${code}</Code><Message>${message}</Message><RequestId>R</RequestId></Error>`);
}

export const NOTHING_THERE = refusal(404, "MessageNotExist", "Message not exist.");

export function delivered(...messages: readonly Readonly<Record<string, string | number>>[]): Answer {
  const elements = messages.map((message) => {
    const all = { MessageId: "M", ReceiptHandle: "H", MessageBody: "b", PublishTime: 1, ...message };
    return `<Message>${Object.entries(all)
      .map(([name, value]) => `<${name}>${value}</${name}>`)
      .join("")}</Message>`;
  });
  return reply(200, `<Messages>${elements.join("")}</Messages>`);
}

export function handlesRefused(...handles: readonly string[]): Answer {
  const errors = handles.map(
    (handle) =>
      `<Error><ErrorCode>MessageNotExist</ErrorCode><ErrorMessage>Too late.</ErrorMessage><ReceiptHandle>${handle}</ReceiptHandle></Error>`,
  );
  return reply(404, `<Errors>${errors.join("")}</Errors>`);
}

/** Hangs up without a word. */
export const cut: Answer = (socket) => socket.destroy();

/** Hangs up in the middle of its reply. */
export const cutInReply: Answer = (socket) => {
  socket.write("HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n<Message>", () => socket.destroy());
};

/** Says nothing, ever. */
export const silence: Answer = () => undefined;

function readRequests(socket: Socket, read: (request: SeenRequest) => void): void {
  let buffered = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    buffered = Buffer.concat([buffered, chunk]);
    for (;;) {
      const end = buffered.indexOf("\r\n\r\n");
      if (end < 0) return;
      const [line = "", ...rest] = buffered.toString("latin1", 0, end).split("\r\n");
      const pairs = rest.map((header) => header.split(/: ?(.*)/s, 2) as [string, string]);
      const headers = Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value]));
      const length = Number(headers["content-length"] ?? 0);
      if (buffered.length < end + 4 + length) return;
      const body = buffered.toString("utf8", end + 4, end + 4 + length);
      buffered = buffered.subarray(end + 4 + length);
      read({ line, headers, body });
    }
  });
}
