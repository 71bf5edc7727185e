/**
 * Logging in: by the console's token, or by a name and a password of the configuration. Whoever guesses wrong waits, by
 * where they come from and by whose name they use; and few passwords are tried at once, for each takes a second of a core.
 */
import { Backoff } from "./backoff.ts";
import { type Role, TOKEN_USER } from "./identity.ts";
import { isPassword } from "./passwords.ts";
import { sameSecret } from "./secrets.ts";
import type { Standing } from "./sessions.ts";

/** Somebody who may log in with a password. */
export interface ConsoleUser {
  readonly role: Role;
  /** See `passwords.ts`. */
  readonly passwordHash: string;
}

export type Login = { readonly token: string } | { readonly user: string; readonly password: string };

export type LoginAnswer =
  | { readonly is: "in"; readonly user: string; readonly role: Role }
  | { readonly is: "wrong" }
  | { readonly is: "later"; readonly waitMs: number };

export interface LoginsOptions {
  readonly token: string;
  readonly users: ReadonlyMap<string, ConsoleUser>;
  readonly clock: () => number;
}

const PASSWORDS_AT_ONCE = 2;
const BUSY_MS = 1000;
/** Nobody's: names that do not exist take as long as those that do. */
const NOBODY = `scrypt$131072$8$1$${"A".repeat(22)}$${"A".repeat(43)}`;

export class Logins {
  readonly #options: LoginsOptions;
  readonly #byAddress: Backoff;
  readonly #byUser: Backoff;
  #trying = 0;

  constructor(options: LoginsOptions) {
    this.#options = options;
    this.#byAddress = new Backoff(options.clock);
    this.#byUser = new Backoff(options.clock);
  }

  /** What somebody may now, by the configuration; undefined for whoever is not in it. */
  standingOf(user: string): Standing | undefined {
    const { token, users } = this.#options;
    const known = users.get(user);
    if (known !== undefined) return { role: known.role, secret: known.passwordHash };
    return user === TOKEN_USER ? { role: "operator", secret: token } : undefined;
  }

  async try(login: Login, address: string): Promise<LoginAnswer> {
    const user = "token" in login ? TOKEN_USER : login.user;
    if (!("token" in login) && this.#trying >= PASSWORDS_AT_ONCE) return { is: "later", waitMs: BUSY_MS };
    const waitMs = this.#byAddress.begin(address) || this.#byUser.begin(user);
    if (waitMs > 0) return { is: "later", waitMs };
    const role = "token" in login ? this.#roleOfToken(login.token) : await this.#roleOfPassword(login);
    if (role === undefined) return { is: "wrong" };
    this.#byAddress.succeeded(address);
    this.#byUser.succeeded(user);
    return { is: "in", user, role };
  }

  #roleOfToken(token: string): Role | undefined {
    return sameSecret(token, this.#options.token) ? "operator" : undefined;
  }

  async #roleOfPassword({ user, password }: Extract<Login, { user: string }>): Promise<Role | undefined> {
    this.#trying++;
    try {
      const known = this.#options.users.get(user);
      const isRight = await isPassword(password, known?.passwordHash ?? NOBODY);
      return isRight ? known?.role : undefined;
    } finally {
      this.#trying--;
    }
  }
}
