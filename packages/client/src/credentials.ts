/** Who calls: an access key, and its token if it is a temporary one. */
export interface Credentials {
  /** Sent with every request. */
  readonly accessKeyId: string;
  /** Signs every request, and is never sent. */
  readonly accessKeySecret: string;
  /** Of a temporary access key. */
  readonly securityToken?: string | undefined;
}
