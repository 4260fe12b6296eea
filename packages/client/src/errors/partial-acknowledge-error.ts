import { StagemqError } from "./stagemq-error.ts";

/** What became of one receipt handle that the broker did not take. */
export interface AcknowledgeFailure {
  /** As it was given. */
  readonly handle: string;
  /** Known where messages were acknowledged, not bare handles. */
  readonly messageId: string | undefined;
  /** `MessageNotExist`: it came too late, or the message was delivered again since. `ReceiptHandleError`: it is no handle. */
  readonly code: string;
  /** The broker's sentence. */
  readonly message: string;
}

/** Some of the messages, or all, were not acknowledged, and come again. Those not in `failures` are done. Code `PartialAcknowledge`. */
export class PartialAcknowledgeError extends StagemqError {
  override readonly name = "PartialAcknowledgeError";
  /** Of the messages that come again, one each. */
  readonly failures: readonly AcknowledgeFailure[];

  constructor(failures: readonly AcknowledgeFailure[], handleCount: number, requestId: string | undefined) {
    const [first] = failures;
    super(
      "PartialAcknowledge",
      `${failures.length} of ${handleCount} messages were not acknowledged; the first: ${first?.code}, ${first?.message}`,
      { requestId, status: 404 },
    );
    this.failures = failures;
  }
}
