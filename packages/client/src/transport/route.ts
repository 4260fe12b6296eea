import { type Agent, Agent as HttpAgent, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, type AgentOptions as HttpsAgentOptions, request as requestHttps } from "node:https";
import { proxyHeaders } from "./proxy.ts";
import { TunnelAgent } from "./tunnel-agent.ts";

/** How requests get to an endpoint. */
export interface Route {
  readonly request: typeof requestHttp;
  readonly agent: Agent;
  readonly host: string;
  readonly port: number;
  /** What stands before the target in the request line: nothing, or the endpoint for a proxy. */
  readonly prefix: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What of TLS is not the default; for tests. */
export type TlsOptions = Pick<HttpsAgentOptions, "ca">;

/** Idle connections end before any server ends them: Node.js and Apache do after 5 s, without a word to a request on its way. */
const IDLE_FOR_MS = 4_000;

/** The way to the endpoint: direct or by a proxy, plain or in TLS, over at most so many connections. */
export function findRoute(endpoint: URL, proxy: URL | undefined, maxConnections: number, tls: TlsOptions): Route {
  const options = { keepAlive: true, maxSockets: maxConnections, scheduling: "lifo", timeout: IDLE_FOR_MS } as const;
  const headers = { Host: endpoint.host };
  if (endpoint.protocol === "https:") {
    const tlsOptions = { ...options, ...tls };
    const agent = proxy ? new TunnelAgent(proxy, endpoint, tlsOptions) : new HttpsAgent(tlsOptions);
    return { request: requestHttps, agent, ...hostAndPort(endpoint, 443), prefix: "", headers };
  }
  const agent = new HttpAgent(options);
  if (proxy === undefined) return { request: requestHttp, agent, ...hostAndPort(endpoint, 80), prefix: "", headers };
  return {
    request: requestHttp,
    agent,
    ...hostAndPort(proxy, 80),
    prefix: endpoint.origin,
    headers: { ...headers, ...proxyHeaders(proxy) },
  };
}

function hostAndPort({ hostname, port }: URL, defaultPort: number): { host: string; port: number } {
  return { host: hostname.replace(/^\[(.*)\]$/, "$1"), port: port === "" ? defaultPort : Number(port) };
}
