import { request } from "node:http";
import { Agent, type AgentOptions, type RequestOptions } from "node:https";
import { connect, type TLSSocket } from "node:tls";
import { proxyHeaders } from "./proxy.ts";

/** Keeps TLS connections that lead through a proxy, each in a tunnel that CONNECT opened. */
export class TunnelAgent extends Agent {
  readonly #proxy: URL;
  readonly #authority: string;

  constructor(proxy: URL, endpoint: URL, options: AgentOptions) {
    super(options);
    this.#proxy = proxy;
    this.#authority = `${endpoint.hostname}:${endpoint.port || 443}`;
  }

  override createConnection(
    options: RequestOptions,
    made: (error: Error | null, connection: TLSSocket) => void = () => undefined,
  ): undefined {
    const { hostname: host, port } = this.#proxy;
    const fail = (error: Error): void => made(error, undefined as never);
    const tunnel = request({
      host,
      port: port || 80,
      method: "CONNECT",
      path: this.#authority,
      headers: { Host: this.#authority, ...proxyHeaders(this.#proxy) },
      agent: false,
    });
    tunnel.once("error", fail);
    tunnel.once("connect", ({ statusCode }, socket) => {
      if (statusCode === 200) {
        made(null, connect({ ...(options as object), socket }));
        return;
      }
      socket.destroy();
      fail(new Error(`the proxy ${this.#proxy.host} answered CONNECT with ${statusCode}`));
    });
    tunnel.end();
  }
}
