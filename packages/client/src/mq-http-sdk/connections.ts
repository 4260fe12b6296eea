import type { Exchange } from "../calls/exchange.ts";
import { openExchange } from "../calls/open-exchange.ts";
import { readOptions } from "../read-options.ts";
import type { Caller } from "./caller.ts";

/** What all that is made of one client calls with. */
export interface Connection {
  readonly exchange: Exchange;
  /** Of the endpoint: `http://host:port`. */
  readonly origin: string;
  /** How long one call may take; a poll may take its wait longer. */
  readonly timeoutMs: number;
}

// A field of the client would show the inside of this package in its type.
const connections = new WeakMap<Caller, Connection>();

/** The connection of a client, made when it is first asked for. @throws InvalidArgumentError if its endpoint is none */
export function connectionOf(caller: Caller): Connection {
  const known = connections.get(caller);
  if (known !== undefined) return known;
  const credentials = () => ({
    accessKeyId: caller.accessKeyId,
    accessKeySecret: caller.accessKeySecret,
    securityToken: caller.securityToken || undefined,
  });
  // The official SDK has no bound: programs that poll a hundred topics at once go on doing so.
  const maxConnections = Number.MAX_SAFE_INTEGER;
  const settings = readOptions({ endpoint: caller.endpoint, credentials, maxConnections });
  const { origin } = settings.endpoint;
  const connection = { exchange: openExchange(settings), origin, timeoutMs: settings.timeoutMs };
  connections.set(caller, connection);
  return connection;
}
