/** The HTTP protocol as data: what requests and answers look like. Opens no socket and decides nothing. */
export type { Decoded, DocumentFault, DocumentRefusal } from "./documents/decoded.ts";
export { decodeError, type ErrorDocument, encodeError } from "./documents/error.ts";
export { decodeErrors, encodeErrors, type HandleErrorDocument } from "./documents/errors.ts";
export { decodeMessages, encodeMessages, type WireMessage } from "./documents/messages.ts";
export { decodePublishReply, encodePublishReply, type PublishReplyDocument } from "./documents/publish-reply.ts";
export {
  decodePublishRequest,
  encodePublishRequest,
  type PublishRequestDocument,
} from "./documents/publish-request.ts";
export { decodeReceiptHandles, encodeReceiptHandles, MAX_RECEIPT_HANDLES_BYTES } from "./documents/receipt-handles.ts";
export * from "./headers.ts";
export { formatDate, parseDate } from "./http-date.ts";
export { bodyMd5, contentMd5Matches, formatContentMd5 } from "./md5.ts";
export { formatTarget, type Operation, parseOperation, type Route } from "./operations.ts";
export { firstLeftOut, formatProperties, type PropertyPair, parseProperties } from "./properties.ts";
export * from "./refusal-codes.ts";
export * from "./reserved-properties.ts";
export {
  formatAuthorization,
  parseAuthorization,
  type SignedRequest,
  sign,
  stringToSign,
  verifySignature,
} from "./signature.ts";
