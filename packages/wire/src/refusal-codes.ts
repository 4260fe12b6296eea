/** Every Code that the broker answers with: its usual status and the service's text. */
export const REFUSALS = {
  MissingAuthorizationHeader: { status: 400, text: "Authorization header is required." },
  InvalidAuthorizationHeader: { status: 400, text: "The Authorization header format is invalid." },
  MissingDateHeader: { status: 400, text: "Date header is required." },
  InvalidDateHeader: { status: 400, text: "The Date header format is invalid." },
  TimeExpired: { status: 408, text: "The http request you sent is expired." },
  InvalidAccessKeyId: { status: 403, text: "The AccessKey Id you provided is not exist." },
  SignatureDoesNotMatch: {
    status: 403,
    text: "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
  },
  AccessDenied: {
    status: 403,
    text: "The OwnerId that your Access Key Id associated to is forbidden for this operation.",
  },
  InvalidDigest: { status: 400, text: "The Content-MD5 you specified is invalid." },
  /** 405 when only the method is wrong. */
  InvalidRequestURL: { status: 400, text: "Http request URL format invalid." },
  InvalidQueryString: { status: 400, text: "Http request URL contains invalid querystring item." },
  InvalidArgument: { status: 400, text: "The argument you provided is invalid." },
  MalformedXML: { status: 400, text: "The XML you provided was not well-formed." },
  MissingReceiptHandle: { status: 400, text: "ReceiptHandle is required." },
  /** 404 inside `Errors`. */
  ReceiptHandleError: { status: 400, text: "The receipt handle you provide is not valid." },
  /** An empty poll; or, inside `Errors`, a handle that came too late. */
  MessageNotExist: { status: 404, text: "Message not exist." },
  TopicNotExist: { status: 404, text: "The topic you provided does not exist." },
  SubscriptionNotExist: { status: 404, text: "The subscription you provided does not exist." },
  QpsLimitExceeded: { status: 400, text: "The qps limit of the queue is exceeded" },
  InternalError: { status: 500, text: "Interal error." }, // the service's own spelling
  /** 503 when nothing was stored: no room left, or stopping. */
  InternalServerError: { status: 500, text: "Interal error." },
} as const satisfies Record<string, { status: number; text: string }>;

export type RefusalCode = keyof typeof REFUSALS;

/** Of InternalServerError when nothing was stored (PUB-6). */
export const STATUS_UNAVAILABLE = 503;
/** Of InvalidRequestURL when only the method is wrong (REQ-4). */
export const STATUS_METHOD_NOT_ALLOWED = 405;
/** Of an `Errors` document, even if every handle in it is bad. */
export const STATUS_HANDLES_REFUSED = 404;

/** The text of InvalidArgument for a document that lacks something or has something strange. */
export function schemaText(cause: string): string {
  return `The XML you provided did not validate against our published schema, cause by ${cause}.`;
}

/** The text of InvalidArgument for a size or number out of its range. */
export function rangeText(what: string, low: number, high: number): string {
  return `The value of ${what} should between ${low} and ${high} seconds/bytes.`;
}

/** The text of InvalidQueryString. */
export function queryText(item: string): string {
  return `Http request URL contains invalid querystring item "${item}".`;
}
