/**
 * AWS Signature Version 4, for both ends: the client signs, the lab verifies.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 */

/** What a signature is bound to besides the request. `date` is YYYYMMDD. */
export interface SigningScope {
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

/** A request as it goes over the wire. */
export interface SignableRequest {
  readonly method: string;
  /** As sent, percent-encoded. */
  readonly rawPath: string;
  /** As sent, without the question mark. */
  readonly rawQuery: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

export const UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD";

/**
 * The canonical form of a request. S3 takes the path as sent; every other service encodes it once more.
 *
 * @param signedHeaders names in lower case, sorted
 * @param payloadHash   hex SHA-256 of the body, or one of the literals that stand for it
 */
export function canonicalRequest(
  _request: SignableRequest,
  _signedHeaders: readonly string[],
  _payloadHash: string,
  _service: string,
): string {
  return "";
}

/** @param amzDate YYYYMMDDTHHMMSSZ */
export function stringToSign(_amzDate: string, _scope: SigningScope, _canonical: string): string {
  return "";
}

/** The signature of a string to sign, in hex. Signing keys are kept for a while. */
export function signature(_secretAccessKey: string, _scope: SigningScope, _stringToSign: string): string {
  return "";
}
