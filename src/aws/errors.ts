/** The one class of errors that comes out of this room: what a control-plane service answered, or why it did not. */

export interface AwsErrorFields {
  /** `iam`, `sts`, `kms` */
  readonly service: string;
  /** `GetRole` */
  readonly operation: string;
  /** The service's error code, or the code of the network failure. */
  readonly code: string;
  /** HTTP status; undefined when there was no answer. */
  readonly status?: number;
  readonly requestId?: string;
}

export class AwsError extends Error {
  override readonly name = "AwsError";
  readonly fields: AwsErrorFields;

  constructor(message: string, fields: AwsErrorFields, options?: ErrorOptions) {
    super(message, options);
    this.fields = fields;
  }

  get code(): string {
    return this.fields.code;
  }

  get status(): number | undefined {
    return this.fields.status;
  }
}

interface SdkError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
  readonly code?: string;
}

/** Waits for an answer of the SDK; its exceptions become AwsErrors. */
export async function asked<T>(service: string, operation: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { $metadata, code } = error as SdkError;
    const status = $metadata?.httpStatusCode;
    // What is neither an answer nor a failure of the network did not come from the wire: a provider of credentials, say.
    if (status === undefined && code === undefined && error.name !== "TimeoutError") throw error;
    const requestId = $metadata?.requestId;
    const fields: AwsErrorFields = {
      service,
      operation,
      code: status === undefined ? (code ?? error.name) : error.name,
      ...(status === undefined ? {} : { status }),
      ...(requestId === undefined ? {} : { requestId }),
    };
    const message = error.message === "" ? fields.code : error.message;
    throw new AwsError(`${service}:${operation}: ${message}`, fields, { cause: error });
  }
}

/** Waits likewise; undefined when the answer is one of the codes, which say that the thing is not there. */
export async function askedFor<T>(
  service: string,
  operation: string,
  absent: readonly string[],
  answer: Promise<T>,
): Promise<T | undefined> {
  try {
    return await asked(service, operation, answer);
  } catch (error) {
    if (error instanceof AwsError && absent.includes(error.code)) return undefined;
    throw error;
  }
}
