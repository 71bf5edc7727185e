/** The one class of errors that comes out of this room: what a store answered, or why there was no answer. */

/**
 * Why there was no answer. `refused`: nobody listens there. `reset`: the connection broke. `truncated`: the body ended
 * early or its checksum did not match.
 */
export type NetworkFailure = "dns" | "refused" | "reset" | "timeout" | "tls" | "aborted" | "truncated" | "protocol";

export interface S3ErrorFields {
  /** The operation's name in the API reference, such as `GetObject`. */
  readonly operation: string;
  readonly bucket?: string;
  readonly key?: string;
  /** HTTP status of the answer; undefined when there was none. */
  readonly status?: number;
  /** The error code in the answer's body; for answers without one (HEAD) undefined. */
  readonly code?: string;
  readonly network?: NetworkFailure;
  readonly requestId?: string;
  /** `x-amz-id-2` */
  readonly hostId?: string;
  /** From `Retry-After`. */
  readonly retryAfterMs?: number;
  /** Whether the answer said `x-amz-delete-marker: true`. */
  readonly isDeleteMarker?: boolean;
  /** The remaining elements of the error document, by name. */
  readonly details?: Readonly<Record<string, string>>;
}

/** Thrown by every Store. Typed fields decide; nobody matches on `message`. */
export class S3Error extends Error {
  override readonly name = "S3Error";
  readonly fields: S3ErrorFields;

  constructor(message: string, fields: S3ErrorFields, options?: ErrorOptions) {
    super(message, options);
    this.fields = fields;
  }

  get status(): number | undefined {
    return this.fields.status;
  }

  get code(): string | undefined {
    return this.fields.code;
  }
}
