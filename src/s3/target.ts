/**
 * Where a request goes: from endpoint, bucket and key to origin, host and raw path, and the query beside it.
 *
 * Paths are built here and go over the wire as they are: `URL` would take `..` and `//` out of keys.
 */
import { encodeUri } from "./sigv4.ts";

/** An endpoint taken apart. */
export interface Endpoint {
  /** `http://host[:port]`, without a default port. */
  readonly origin: string;
  readonly protocol: "http:" | "https:";
  /** As it stands in the `host` header. */
  readonly host: string;
  /** What stands in front of the bucket in every path; "" or `/prefix`. */
  readonly basePath: string;
}

export interface Target {
  readonly origin: string;
  readonly host: string;
  readonly rawPath: string;
}

/** @throws TypeError when the text is no http or https URL */
export function parseEndpoint(text: string): Endpoint {
  const url = new URL(text);
  const { protocol } = url;
  if (protocol !== "http:" && protocol !== "https:") throw new TypeError(`${text} is no http or https endpoint`);
  return { origin: url.origin, protocol, host: url.host, basePath: url.pathname.replace(/\/+$/, "") };
}

/**
 * The target of a request.
 *
 * A bucket whose name cannot be a host name, or would not match a wildcard certificate, stays in the path whatever the
 * addressing is; so does every bucket of an endpoint that is an IP address.
 *
 * @throws URIError for a key that UTF-8 cannot carry
 */
export function targetOf(
  endpoint: Endpoint,
  addressing: "path" | "virtual",
  bucket: string | undefined,
  key: string | undefined,
): Target {
  const { origin, host, basePath, protocol } = endpoint;
  const keyPath = key === undefined ? "" : encodeUri(key, true);
  if (bucket === undefined) return { origin, host, rawPath: `${basePath}/` };
  if (addressing === "path" || !canBeHost(bucket, endpoint)) {
    const bucketPath = `${basePath}/${encodeUri(bucket)}`;
    return { origin, host, rawPath: key === undefined ? bucketPath : `${bucketPath}/${keyPath}` };
  }
  const ownHost = `${bucket}.${host}`;
  return { origin: `${protocol}//${ownHost}`, host: ownHost, rawPath: `${basePath}/${keyPath}` };
}

function canBeHost(bucket: string, endpoint: Endpoint): boolean {
  const { host, protocol } = endpoint;
  if (host.startsWith("[") || /^\d+\.\d+\.\d+\.\d+(:\d+)?$/.test(host)) return false;
  const isHostName = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(bucket);
  return isHostName && bucket.length <= 63 && !(protocol === "https:" && bucket.includes("."));
}

/** Parameters of a query; an undefined value leaves the parameter out, "" is sent as `name=`. */
export type Query = Readonly<Record<string, string | number | undefined>>;

/** A query as it goes over the wire, sorted, without the question mark. */
export function rawQueryOf(query: Query): string {
  const parts: string[] = [];
  for (const name in query) {
    const value = query[name];
    if (value !== undefined) parts.push(`${encodeUri(name)}=${encodeUri(String(value))}`);
  }
  return parts.length > 1 ? parts.sort().join("&") : (parts[0] ?? "");
}
