import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HttpConnection } from "./http-connection.ts";

let server: Server;
let connection: HttpConnection;
let other: Socket;
/** Turns of the loop in which a piece usually arrives by itself; the outcome is the same if it does not. */
const TURNS = 20;
const REQUEST = Buffer.from("POST / HTTP/1.1\r\n\r\n");

beforeEach(async () => {
  server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const met = new Promise<Socket>((resolve) => server.once("connection", resolve));
  connection = await HttpConnection.open(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  other = await met;
  other.setNoDelay(true);
});

afterEach(() => {
  connection.close();
  other.destroy();
  server.close();
});

/** What comes of a reply that arrives in these pieces. */
async function read(...pieces: string[]): Promise<[status: number, body: string]> {
  const replied = connection.exchange(REQUEST);
  replied.catch(() => {});
  for (const piece of pieces) {
    other.write(piece);
    for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  const { status, body } = await replied;
  return [status, body.toString()];
}

describe("a connection of the load generator", () => {
  it("reads reply after reply, in however many pieces they come", async () => {
    expect(await read("HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello")).toEqual([201, "hello"]);
    expect(await read("HTTP/1.1 200 OK\r\nconte", "nt-length: 3\r\n", "\r\nab", "c")).toEqual([200, "abc"]);
    expect(await read("HTTP/1.1 204 No Content\r\n\r\n")).toEqual([204, ""]);
  });

  it("reads a body in chunks, and what follows 100 Continue", async () => {
    expect(
      await read("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2", "\r\nde\r\n0\r\n\r\n"),
    ).toEqual([200, "abcde"]);
    expect(await read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n")).toEqual([
      201,
      "",
    ]);
  });

  it("fails what waits when the endpoint hangs up or says something else, and is closed then", async () => {
    const replied = connection.exchange(REQUEST);
    other.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc");
    await expect(replied).rejects.toThrow("the endpoint closed the connection");
    expect(connection.isOpen).toBe(false);
    await expect(connection.exchange(REQUEST)).rejects.toThrow("the endpoint closed the connection");
  });

  it("says that it is no HTTP which it reads", async () => {
    await expect(read("SSH-2.0-OpenSSH\r\n\r\n")).rejects.toThrow("this is no reply of HTTP: SSH-2.0-OpenSSH");
  });
});
