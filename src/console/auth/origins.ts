/**
 * Where a call claims to come from and to go to. A page of another site can make a browser send calls here; what it cannot do
 * is to make the browser lie about that.
 */
import { isIP } from "node:net";

/** What decides, as it stands in the call. */
export interface Claims {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
}

/**
 * Whether the console answers to this name. A name that its owner lets point here (DNS rebinding) is none of ours; an
 * address is always itself.
 *
 * @param host  the header `Host`
 * @param names that the console is known by besides `localhost`
 */
export function isKnownHost(host: string | undefined, names: readonly string[]): boolean {
  const name = hostnameOf(host);
  if (name === undefined) return false;
  if (isIP(name.replace(/^\[|\]$/g, "")) !== 0) return true;
  return name === "localhost" || name.endsWith(".localhost") || names.some((one) => one.toLowerCase() === name);
}

/** Whether nothing says that a page of another site sent it. Programs that are no browsers say nothing. */
export function isOwnOrigin({ host, origin, fetchSite }: Claims): boolean {
  if (fetchSite !== undefined && fetchSite !== "same-origin" && fetchSite !== "none") return false;
  if (origin === undefined) return true;
  return URL.canParse(origin) && host !== undefined && new URL(origin).host === host.toLowerCase();
}

/** Whether a browser says that a page of ours sent it. */
export function saysOwnOrigin(claims: Claims): boolean {
  return isOwnOrigin(claims) && (claims.origin !== undefined || claims.fetchSite === "same-origin");
}

/** Whether only this machine reaches an address to listen on. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, "").toLowerCase();
  return name === "localhost" || name === "::1" || (isIP(name) === 4 && name.startsWith("127."));
}

function hostnameOf(host: string | undefined): string | undefined {
  if (host === undefined || !/^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/.test(host)) return undefined;
  return host
    .replace(/:\d{1,5}$/, "")
    .replace(/\.$/, "")
    .toLowerCase();
}
