import { Buffer } from "node:buffer";
import { isIPv6 } from "node:net";
import { InvalidArgumentError } from "../errors/invalid-argument-error.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that the environment names for this endpoint: `HTTP_PROXY` or `HTTPS_PROXY`, by the endpoint's scheme, unless
 * `NO_PROXY` excepts it; all of them in lower case too, which wins. This machine itself is never asked for by proxy.
 */
export function findProxy(endpoint: URL, environment: Environment): URL | undefined {
  const name = endpoint.protocol === "https:" ? "https_proxy" : "http_proxy";
  const value = environment[name] || environment[name.toUpperCase()];
  if (!value || isLoopback(endpoint.hostname) || isExcepted(endpoint, environment)) return undefined;
  const text = value.includes("://") ? value : `http://${value}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy?.protocol === "http:" && proxy.hostname !== "") return proxy;
  const hidden = value.replace(/\/\/[^@/]*@/, "//…@");
  throw new InvalidArgumentError(
    `The proxy ${JSON.stringify(hidden)} (${name}) is not legal: http://, a host, and a port if need be.`,
  );
}

/** The line `Proxy-Authorization`, where the proxy's address has a name and a password. */
export function proxyHeader({ username, password }: URL): string {
  if (username === "") return "";
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  return `Proxy-Authorization: Basic ${credentials.toString("base64")}\r\n`;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** `NO_PROXY=example.com,.internal,10.0.0.1:8080,*`: a name excepts what ends in it too; a port narrows it down. */
function isExcepted(endpoint: URL, environment: Environment): boolean {
  const exceptions = (environment.no_proxy || environment.NO_PROXY || "")
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean);
  const port = endpoint.port || (endpoint.protocol === "https:" ? "443" : "80");
  return exceptions.some((exception) => {
    if (exception === "*") return true;
    // An address of IPv6 has more than one colon, and no port unless it stands in brackets.
    if (isIPv6(exception)) return endpoint.hostname === `[${exception}]`;
    const [, name = "", onlyPort] = /^(?:\*?\.)?(.*?)(?::(\d+))?$/.exec(exception) ?? [];
    if (onlyPort !== undefined && onlyPort !== port) return false;
    return endpoint.hostname === name || endpoint.hostname.endsWith(`.${name}`);
  });
}
