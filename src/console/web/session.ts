/** Who is logged in, and what this Lockstep is. The token of the printed address logs in once and leaves the address. */
import { computed, signal } from "@preact/signals";
import * as api from "./api.ts";
import { replacePlace } from "./route.ts";
import type { About, Session } from "./shapes.ts";
import { sayError } from "./toasts.ts";

export type Entry =
  | { readonly state: "asking" }
  /** `says`: why the person is asked. */
  | { readonly state: "out"; readonly says?: string }
  | { readonly state: "in"; readonly session: Session; readonly about: About }
  /** Nobody answers. */
  | { readonly state: "lost"; readonly says: string };

export const entry = signal<Entry>({ state: "asking" });

export const aboutNow = computed(() => (entry.value.state === "in" ? entry.value.about : undefined));

/** Why the person may change nothing here; undefined for operators. */
export const cannotChange = computed(() =>
  entry.value.state === "in" && entry.value.session.role === "operator"
    ? undefined
    : "You are logged in as a viewer: only an operator may do this.",
);

/** Takes up the session that there is, or begins one with the token in the address. */
export async function enter(): Promise<void> {
  entry.value = { state: "asking" };
  const token = /^#(?:\/?\?)?token=([^&]+)/.exec(location.hash)?.[1];
  if (token !== undefined) replacePlace("overview");
  try {
    await begin(token === undefined ? await api.sessionNow() : await api.logIn({ token: decodeURIComponent(token) }));
  } catch (error) {
    entry.value = outOf(
      error,
      token === undefined ? {} : { says: `The token in the address was refused: ${sayError(error)}` },
    );
  }
}

function outOf(error: unknown, out: { readonly says?: string }): Entry {
  const isRefused =
    error instanceof api.ApiError && (error.status === 401 || error.status === 403 || error.status === 400);
  return isRefused ? { state: "out", ...out } : { state: "lost", says: sayError(error) };
}

/** @throws ApiError when they are refused */
export async function logIn(credentials: Parameters<typeof api.logIn>[0]): Promise<void> {
  await begin(await api.logIn(credentials));
}

async function begin(session: Session): Promise<void> {
  api.beginSession(session.csrf);
  entry.value = { state: "in", session, about: await api.about() };
}

export async function logOut(): Promise<void> {
  await api.logOut();
  leave("You have logged out.");
}

export function leave(says: string): void {
  api.beginSession("");
  if (entry.value.state === "in") entry.value = { state: "out", says };
}
