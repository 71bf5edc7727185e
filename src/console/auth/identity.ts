/** Who speaks to the console, and what they may. */

/** Viewers see everything and change nothing; operators change what can be changed. */
export type Role = "viewer" | "operator";

export interface Identity {
  /** A name of the configuration, or `token` for whoever holds the console's token. */
  readonly user: string;
  readonly role: Role;
  /** The address that the call came from. */
  readonly from: string;
  /** Where a browser's session speaks: only then can another site's page have sent the call. */
  readonly session?: SessionRef;
}

export interface SessionRef {
  readonly csrf: string;
  readonly expiresAtMs: number;
  /** It has run out, or was logged out of. */
  readonly isOver: () => boolean;
}

/** What the handlers of the API find in their context. */
export interface ConsoleEnv {
  readonly Variables: { readonly who: Identity };
}

/** Whoever holds the token, for the audit log. */
export const TOKEN_USER = "token";
