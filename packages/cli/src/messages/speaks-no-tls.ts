/** Whether a connection failed because TLS found something else at the other end, as a port for plain http is. */
export function speaksNoTls(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && /^(EPROTO$|ERR_SSL_)/.test(String(cause.code));
}
