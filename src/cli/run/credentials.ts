/** The credentials of a site, wherever they come from, kept until they end. */
import type { Credentials } from "../../core/model.ts";
import { S3Error } from "../../s3/errors.ts";
import type { CredentialSource } from "../config/settings.ts";
import { credentialsOf } from "../credentials.ts";

/** Credentials are fetched anew so long before they end. */
const AHEAD_MS = 60_000;
/** Those that do not say when they end may be replaced in their file all the same. */
const KEPT_MS_MAX = 5 * 60_000;

/** Gives credentials as long as they are good. Rejects with an S3Error when there are none. */
export function siteCredentials(
  site: string,
  source: CredentialSource,
  options: { readonly environment: Readonly<Record<string, string | undefined>>; readonly clock: () => number },
): () => Promise<Credentials> {
  return kept(providerOf(source, options.environment), site, options.clock);
}

function providerOf(
  source: CredentialSource,
  environment: Readonly<Record<string, string | undefined>>,
): () => Promise<Credentials> {
  switch (source.kind) {
    case "environment":
      return credentialsOf(undefined, environment);
    case "profile":
      return credentialsOf(source.profile, environment);
    case "file":
      return async () => {
        const { fromIni } = await import("@aws-sdk/credential-providers");
        return await fromIni({ filepath: source.file, profile: source.profile, ignoreCache: true })();
      };
    case "keys": {
      const { kind: _, ...credentials } = source;
      return async () => credentials;
    }
  }
}

/** Keeps what a provider gave; a refusal is not kept. */
export function kept(
  provider: () => Promise<Credentials & { readonly expiration?: Date }>,
  site: string,
  clock: () => number,
): () => Promise<Credentials> {
  let held: { readonly credentials: Promise<Credentials>; untilMs: number } | undefined;
  const fetch = async (): Promise<Credentials> => {
    try {
      return await provider();
    } catch (cause) {
      if (cause instanceof S3Error) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new S3Error(`there are no credentials for the site ${site}: ${why}`, NO_CREDENTIALS, { cause });
    }
  };
  return async () => {
    const nowMs = clock();
    if (held !== undefined && held.untilMs > nowMs) return await held.credentials;
    const holding = { credentials: fetch(), untilMs: nowMs + KEPT_MS_MAX };
    held = holding;
    try {
      const credentials: Credentials & { readonly expiration?: Date } = await holding.credentials;
      const endMs = credentials.expiresAtMs ?? credentials.expiration?.getTime();
      if (endMs !== undefined) holding.untilMs = Math.min(holding.untilMs, endMs - AHEAD_MS);
      return credentials;
    } catch (error) {
      if (held === holding) held = undefined;
      throw error;
    }
  };
}

/** As a store says it to who comes without. */
const NO_CREDENTIALS = { operation: "GetCredentials", status: 403, code: "InvalidAccessKeyId" };
