/** Where something listens, or is to. */
export interface Address {
  /** A name, an IPv4 or an IPv6 address; the last without brackets. */
  readonly host: string;
  readonly port: number;
}

/** `host:port`. An IPv6 address stands in brackets, as in a URL. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
