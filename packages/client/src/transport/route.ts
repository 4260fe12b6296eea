import type { Buffer } from "node:buffer";
import { connect, isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { proxyHeader } from "./proxy.ts";

/** How requests get to an endpoint. */
export interface Route {
  /** A new connection; ends when the signal is aborted, and then rejects with anything. */
  dial(signal: AbortSignal): Promise<Socket>;
  /** What stands before the target in the request line: nothing, or the endpoint for a proxy. */
  readonly prefix: string;
  /** The lines of the head that tell where the request goes. */
  readonly headLines: string;
}

/** What of TLS is not the default; for tests. */
export type TlsOptions = Pick<ConnectionOptions, "ca">;

/** The way to the endpoint: direct or by a proxy, plain or in TLS. */
export function findRoute(endpoint: URL, proxy: URL | undefined, tls: TlsOptions): Route {
  const host = `Host: ${endpoint.host}\r\n`;
  if (endpoint.protocol === "https:") {
    return { dial: (signal) => dialTls(endpoint, proxy, tls, signal), prefix: "", headLines: host };
  }
  if (proxy === undefined) return { dial: (signal) => dialPlain(endpoint, signal), prefix: "", headLines: host };
  return {
    dial: (signal) => dialPlain(proxy, signal),
    prefix: endpoint.origin,
    headLines: host + proxyHeader(proxy),
  };
}

function dialPlain(to: URL, signal: AbortSignal): Promise<Socket> {
  return opened(connect({ host: hostOf(to), port: portOf(to) }), "connect", signal);
}

async function dialTls(endpoint: URL, proxy: URL | undefined, tls: TlsOptions, signal: AbortSignal): Promise<Socket> {
  const host = hostOf(endpoint);
  const way = proxy ? { socket: await dialTunnel(proxy, endpoint, signal) } : { host, port: portOf(endpoint) };
  const name = isIP(host) === 0 ? { servername: host } : { host };
  return opened(connectTls({ ...way, ...name, ...tls }), "secureConnect", signal);
}

/** A connection through the proxy, opened by CONNECT. */
async function dialTunnel(proxy: URL, endpoint: URL, signal: AbortSignal): Promise<Socket> {
  const socket = await dialPlain(proxy, signal);
  const authority = `${endpoint.hostname}:${portOf(endpoint)}`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${proxyHeader(proxy)}\r\n`);
  let head = "";
  socket.on("data", (chunk: Buffer) => {
    head += chunk.toString("latin1");
    if (!head.includes("\r\n\r\n")) return;
    socket.removeAllListeners("data").pause();
    socket.emit("tunnel");
  });
  await opened(socket, "tunnel", signal);
  const [, status] = /^HTTP\/1\.\d (\d{3})/.exec(head) ?? [];
  if (status === "200") return socket;
  socket.destroy();
  throw new Error(`the proxy ${proxy.host} answered CONNECT with ${status}`);
}

/** Resolves when the socket says this; rejects when it fails or ends before, or the signal is aborted. */
function opened(socket: Socket, event: string, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      socket.destroy();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("it was closed")));
    socket.once(event, () => {
      signal.removeEventListener("abort", onAbort);
      resolve(socket);
    });
  });
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

function portOf({ port, protocol }: URL): number {
  if (port !== "") return Number(port);
  return protocol === "https:" ? 443 : 80;
}
