/**
 * How providers of S3 differ, as data. What a profile says was met in a real store, and its source stands beside it;
 * what nobody has met is not in here.
 */

export interface ProviderProfile {
  readonly name: string;
  /** `path`: `http://host/bucket/key`. `virtual`: `http://bucket.host/key`. */
  readonly addressing: "path" | "virtual";
  /**
   * Whether the body's bytes are under the signature. `always`: hashed before they are sent, streams chunk by chunk.
   * `without-tls`: bodies in memory are hashed unless TLS and a checksum protect them already; streams are not.
   */
  readonly payloadSigning: "always" | "without-tls";
  /**
   * Whether a checksum may follow a stream (`aws-chunked` with a trailer). Where it may not, `Payload.trailer` is not
   * sent, and the caller has to compare by other means.
   */
  readonly trailers: boolean;
  /**
   * How user metadata outside ASCII goes over the wire. AWS reads RFC 2047 words and answers with them; other stores
   * keep bytes, and UTF-8 goes through them unharmed.
   *
   * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
   */
  readonly metadataText: "rfc2047" | "utf-8";
}

export const PROFILES = {
  /** Amazon S3, and the lab, which does as Amazon does. */
  aws: {
    name: "aws",
    addressing: "virtual",
    payloadSigning: "without-tls",
    trailers: true,
    metadataText: "rfc2047",
  },
  /** Ceph RADOS gateway; 16.2.15 refuses trailers (MissingContentLength) and needs no DNS for buckets in the path. */
  ceph: {
    name: "ceph",
    addressing: "path",
    payloadSigning: "without-tls",
    trailers: false,
    metadataText: "utf-8",
  },
  /** What every store that speaks S3 understands. */
  generic: {
    name: "generic",
    addressing: "path",
    payloadSigning: "without-tls",
    trailers: false,
    metadataText: "utf-8",
  },
} as const satisfies Record<string, ProviderProfile>;

/** The profile of an endpoint that says by its name whose it is; `generic` for every other. */
export function profileOf(endpoint: string): ProviderProfile {
  const { hostname } = new URL(endpoint);
  return /(^|\.)amazonaws\.com(\.cn)?$/.test(hostname) ? PROFILES.aws : PROFILES.generic;
}
