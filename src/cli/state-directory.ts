/** Where commands keep what they have to remember. */
import { homedir } from "node:os";
import { join } from "node:path";
import type { Context } from "./context.ts";

/** Beside other state of the user, as the XDG base directories say; `LOCKSTEP_STATE_DIR` puts it elsewhere. */
export function stateDirectory({ environment }: Pick<Context, "environment">): string {
  const state = environment["XDG_STATE_HOME"] ?? join(homedir(), ".local", "state");
  return environment["LOCKSTEP_STATE_DIR"] ?? join(state, "lockstep");
}
