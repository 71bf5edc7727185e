/**
 * Whose store an endpoint is: by its name, else by what it answers to an unsigned `GET /`, which reads nothing and changes
 * nothing.
 *
 * A store behind a proxy that hides its headers stays `generic`: then a profile has to be named, or a probe tells what it
 * does.
 */
import { S3Error } from "./errors.ts";
import { PROFILES, type ProfileName, type ProviderProfile, profileOf } from "./profiles.ts";
import { parseEndpoint } from "./target.ts";
import { Transport } from "./transport.ts";

export interface Recognised {
  readonly profile: ProviderProfile;
  /** What told it; `nothing` for `generic`. */
  readonly by: "name" | "answer" | "nothing";
  /** How the server names itself, with its version where it tells it. Not asked where the name of the endpoint tells. */
  readonly server?: string;
}

/** The answer's headers that are looked at. */
export interface AnswerHeads {
  header(name: string): string | undefined;
}

const HEADERS: readonly {
  readonly header: string;
  readonly pattern: RegExp;
  readonly profile: ProfileName;
  readonly source: string;
}[] = [
  {
    header: "server",
    pattern: /^AmazonS3/,
    profile: "aws",
    source: "https://docs.aws.amazon.com/AmazonS3/latest/API/RESTCommonResponseHeaders.html",
  },
  {
    header: "server",
    pattern: /^MinIO/i,
    profile: "minio",
    source: "https://github.com/minio/minio/blob/master/cmd/generic-handlers.go",
  },
  { header: "server", pattern: /^RustFS/i, profile: "minio", source: "https://github.com/rustfs/rustfs" },
  {
    header: "server",
    pattern: /^SeaweedFS/i,
    profile: "seaweedfs",
    source: "https://github.com/seaweedfs/seaweedfs/issues/7153",
  },
  {
    header: "server",
    pattern: /^WasabiS3\//,
    profile: "wasabi",
    source: "an answer of s3.wasabisys.com, 2023 to 2026",
  },
  // Ceph's name of a transaction: tx, a number, the time, the instance, the zone. It sends no server header.
  {
    header: "x-amz-request-id",
    pattern: /^tx[0-9a-f]{21}-[0-9a-f]{10}-[0-9a-f]+-/,
    profile: "ceph",
    source: "radosgw 16.2.15 of Debian 12",
  },
];

/** The profile of a store whose answer gives it away; undefined when it does not. */
export function profileOfAnswer(answer: AnswerHeads): ProviderProfile | undefined {
  const sign = HEADERS.find(({ header, pattern }) => pattern.test(answer.header(header) ?? ""));
  return sign === undefined ? undefined : PROFILES[sign.profile];
}

/**
 * Finds out whose store it is.
 *
 * @param ca certificates to trust in place of the well-known ones, in PEM
 * @throws TypeError when the endpoint is no http or https URL
 * @throws S3Error when nobody answers
 */
export async function recognise(endpoint: string, options: { readonly ca?: string } = {}): Promise<Recognised> {
  const named = profileOf(endpoint);
  if (named !== PROFILES.generic) return { profile: named, by: "name" };
  const { origin, host, basePath } = parseEndpoint(endpoint);
  const transport = new Transport({
    connectionsMax: 1,
    connectTimeoutMs: 5_000,
    headersTimeoutMs: 10_000,
    bodyIdleTimeoutMs: 10_000,
    ...options,
  });
  try {
    const exchange = await transport.send({
      call: { operation: "ListBuckets", bucket: undefined, key: undefined, origin },
      method: "GET",
      path: `${basePath}/`,
      headers: { host, "user-agent": "lockstep" },
      body: undefined,
      source: undefined,
      headersTimeoutMs: undefined,
    });
    exchange.cancel();
    const profile = profileOfAnswer(exchange);
    const server = exchange.header("server");
    return {
      ...(profile === undefined
        ? { profile: PROFILES.generic, by: "nothing" as const }
        : { profile, by: "answer" as const }),
      ...(server === undefined ? {} : { server }),
    };
  } catch (error) {
    // Something answers there, if nothing that can be read: whoever calls it next says more.
    if (error instanceof S3Error && error.fields.network === "protocol") {
      return { profile: PROFILES.generic, by: "nothing" };
    }
    throw error;
  } finally {
    await transport.close();
  }
}
