/** An endpoint, and who calls it. The key may be changed between calls, as programs with temporary keys do. */
export interface Caller {
  /** `http://host:port` or `https://host:port`. */
  readonly endpoint: string;
  accessKeyId: string;
  accessKeySecret: string;
  /** Of a temporary access key. */
  securityToken?: string | null | undefined;
}
