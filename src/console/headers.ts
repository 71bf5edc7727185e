/** Headers of every answer: what a browser may do with it, which is as little as the page needs. */
import type { MiddlewareHandler } from "hono";

/** Only what the console itself serves, and nothing within a page. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Of a report that is shown: it brings its own style, and no script of it runs. */
export const REPORT_POLICY =
  "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
};

/** @param isSecure it is served with TLS, and is to be asked with TLS only */
export function securityHeaders(isSecure: boolean): MiddlewareHandler {
  return async (c, next) => {
    await next();
    const { headers } = c.res;
    for (const [name, value] of Object.entries(HEADERS)) c.header(name, value);
    if (!headers.has("content-security-policy")) c.header("content-security-policy", POLICY);
    if (!headers.has("cache-control")) c.header("cache-control", "no-store");
    if (isSecure) c.header("strict-transport-security", "max-age=31536000");
  };
}
