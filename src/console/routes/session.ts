/** Logging in and out, and who one is. */
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { z } from "zod";
import { DatabaseError } from "../../ledger/database-error.ts";
import { addressOf, SESSION_COOKIE } from "../auth/guard.ts";
import type { Identity, Role } from "../auth/identity.ts";
import type { Logins } from "../auth/logins.ts";
import { LIFE_MS, type Sessions } from "../auth/sessions.ts";
import type { Changes } from "../changes.ts";
import { ApiError } from "../errors.ts";
import type { ApiContext, Route } from "./route.ts";

/** What a page is told of its session. */
export interface SessionTold {
  readonly user: string;
  readonly role: Role;
  /** For the header `x-lockstep-csrf`; "" where the caller shows the token itself. */
  readonly csrf: string;
  /** When it ends if nothing more is asked. */
  readonly expiresAtMs?: number;
}

const TEXT_MAX = 1024;
const text = z.string().min(1).max(TEXT_MAX);
const login = z.union([z.strictObject({ token: text }), z.strictObject({ user: text, password: text })]);

export interface SessionParts {
  readonly sessions: Sessions;
  readonly logins: Logins;
  readonly changes: Changes;
  readonly isSecure: boolean;
}

export function sessionRoutes(parts: SessionParts): readonly Route[] {
  const { sessions } = parts;
  return [
    {
      method: "POST",
      path: "/session",
      access: "anybody",
      does: "Logs in, by the token or by a user's password; sets the session's cookie",
      body: login,
      answers: "SessionTold",
      unrecorded: true,
      run: (c) => logIn(c, parts),
    },
    {
      method: "GET",
      path: "/session",
      access: "viewer",
      does: "Tells who is logged in",
      answers: "SessionTold",
      run: (c) => {
        const { user, role, session } = c.get("who");
        return c.json(told({ user, role }, session));
      },
    },
    {
      method: "DELETE",
      path: "/session",
      access: "viewer",
      does: "Logs out",
      status: 204,
      unrecorded: true,
      run: async (c) => {
        const id = getCookie(c, SESSION_COOKIE);
        if (id !== undefined) await sessions.close(id);
        deleteCookie(c, SESSION_COOKIE, { path: "/" });
        return c.body(null, 204);
      },
    },
  ];
}

async function logIn(c: ApiContext, { sessions, logins, changes, isSecure }: SessionParts): Promise<Response> {
  const from = addressOf(c);
  const answer = await logins.try(login.parse(await c.req.json()), from);
  if (answer.is === "later") {
    const seconds = Math.ceil(answer.waitMs / 1000);
    c.header("retry-after", String(seconds));
    throw new ApiError(429, `there were too many tries: try again in ${seconds} s`);
  }
  if (answer.is === "wrong") throw new ApiError(401, "the token, or the user's name or password, is wrong");
  const { user, role } = answer;
  await note(changes, { user, role, from });
  const id = await sessions.open(user);
  const session = await sessions.use(id);
  const expiresAtMs = sessions.expiresAtMs(id) ?? 0;
  setCookie(c, SESSION_COOKIE, id, {
    httpOnly: true,
    sameSite: "Strict",
    path: "/",
    secure: isSecure,
    maxAge: LIFE_MS / 1000,
  });
  return c.json(told({ user, role }, { csrf: session?.csrf ?? "", expiresAtMs }));
}

/** Who looks why the ledger is away has to be let in while it is. */
async function note(changes: Changes, who: Identity): Promise<void> {
  try {
    await (await changes.begin(who, { action: "Logs in", subject: who.user }))("done");
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
  }
}

function told(
  { user, role }: Pick<SessionTold, "user" | "role">,
  session: { readonly csrf: string; readonly expiresAtMs: number } | undefined,
): SessionTold {
  return session === undefined
    ? { user, role, csrf: "" }
    : { user, role, csrf: session.csrf, expiresAtMs: session.expiresAtMs };
}
