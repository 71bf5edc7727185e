/** Bucket and key of a request: from the path, or from the host's name (virtual-host style) and the path. */
import { s3Error } from "../errors.ts";

export interface Resolved {
  /** "" when the request names none. */
  readonly bucket: string;
  readonly key: string;
}

/** Hosts under which `BUCKET.host` names a bucket; the host itself takes path-style requests. */
export const DEFAULT_HOST_SUFFIXES: readonly string[] = ["s3.localhost", "localhost", "127.0.0.1.nip.io"];

/**
 * @param suffixes longer ones first, where one ends with another
 * @throws ServiceError InvalidURI when the path is not the percent-encoding of UTF-8
 */
export function resolveTarget(host: string, rawPath: string, suffixes: readonly string[]): Resolved {
  const bucket = bucketOfHost(host, suffixes);
  if (bucket !== undefined) return { bucket, key: decodeKey(rawPath.slice(1)) };
  const slash = rawPath.indexOf("/", 1);
  if (slash < 0) return { bucket: decodeKey(rawPath.slice(1)), key: "" };
  return { bucket: decodeKey(rawPath.slice(1, slash)), key: decodeKey(rawPath.slice(slash + 1)) };
}

function bucketOfHost(hostHeader: string, suffixes: readonly string[]): string | undefined {
  // Most requests come to an address: digits or brackets.
  const first = hostHeader.charCodeAt(0);
  if (first === 0x5b) return undefined;
  const colon = hostHeader.lastIndexOf(":");
  const host = (colon < 0 ? hostHeader : hostHeader.slice(0, colon)).toLowerCase();
  for (const suffix of suffixes) {
    if (host === suffix) return undefined;
    if (host.endsWith(suffix) && host[host.length - suffix.length - 1] === ".") {
      const bucket = host.slice(0, -suffix.length - 1);
      // s3.REGION.localhost is an endpoint, too.
      return /^s3(?:[.-][a-z0-9-]+)?$/.test(bucket)
        ? undefined
        : bucket.replace(/\.s3(?:[.-][a-z]{2}-[a-z0-9-]+)?$/, "");
    }
  }
  return undefined;
}

const PLAIN = /^[A-Za-z0-9\-._~!$'()*,;:@/+=&]*$/;

function decodeKey(raw: string): string {
  if (PLAIN.test(raw)) return raw;
  let key: string;
  try {
    key = decodeURIComponent(raw);
  } catch {
    throw s3Error("InvalidURI", { details: { URI: raw } });
  }
  if (key.includes("\u0000")) throw s3Error("InvalidURI", { details: { URI: raw } });
  return key;
}
