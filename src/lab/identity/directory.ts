/**
 * Who exists: accounts, users, roles, groups, managed policies, access keys and sessions, and how to find them.
 *
 * Knows names and references, not permissions. Changes go through `lane`, one after another; sessions are added
 * outside of it, because they depend on nothing but the role that they are of.
 */

import { parseArn } from "../../core/arn.ts";
import type { Database } from "../../ledger/database.ts";
import { type Change, ChangeLane, Records } from "../records.ts";
import { AWS_MANAGED_POLICIES } from "./aws-managed.ts";
import { alreadyExists, noSuchEntity } from "./errors.ts";
import {
  type AccessKey,
  type Account,
  type Holder,
  type HolderKind,
  holderArn,
  type ManagedPolicy,
  type Role,
  type Session,
} from "./model.ts";
import { IDENTITY_TABLES } from "./schema.ts";

export type HolderOf<K extends HolderKind> = Extract<Holder, { kind: K }>;

export class Directory {
  readonly accounts: Records<Account>;
  readonly holders: Records<Holder>;
  readonly policies: Records<ManagedPolicy>;
  readonly accessKeys: Records<AccessKey>;
  readonly sessions: Records<Session>;
  readonly #lane: ChangeLane;
  #generation = 0;

  constructor(database: Database) {
    const { accounts, holders, policies, accessKeys, sessions } = IDENTITY_TABLES;
    this.#lane = new ChangeLane(database);
    this.accounts = new Records({
      database,
      table: accounts,
      idOf: (one) => one.accountId,
      nameOf: (one) => one.canonicalUserId,
    });
    this.holders = new Records({
      database,
      table: holders,
      idOf: (one) => one.id,
      nameOf: (one) => foldedName(one.kind, one.accountId, one.name),
    });
    this.policies = new Records({
      database,
      table: policies,
      idOf: (one) => one.arn,
      nameOf: (one) => foldedName("policy", one.accountId, one.name),
    });
    this.accessKeys = new Records({ database, table: accessKeys, idOf: (one) => one.accessKeyId });
    this.sessions = new Records({ database, table: sessions, idOf: (one) => one.accessKeyId });
  }

  /** Grows with every change but those of sessions: what was computed under an older one may be stale. */
  get generation(): number {
    return this.#generation;
  }

  /** Plans and commits a change while no other one is under way; see `ChangeLane.run`. */
  async change<T>(plan: () => readonly [value: T, ...changes: readonly Change[]]): Promise<T> {
    try {
      return await this.#lane.run(plan);
    } finally {
      this.#generation += 1;
    }
  }

  /** Commits changes of sessions: they depend on nothing that another change could take away. */
  async changeSessions(changes: readonly Change[]): Promise<void> {
    await this.#lane.commit(changes);
  }

  /** The user, role or group of exactly that name. */
  findHolder<K extends HolderKind>(kind: K, accountId: string, name: string): HolderOf<K> | undefined {
    const found = this.holders.named(foldedName(kind, accountId, name));
    return found?.name === name ? (found as HolderOf<K>) : undefined;
  }

  /** @throws ServiceError NoSuchEntity */
  holder<K extends HolderKind>(kind: K, accountId: string, name: string): HolderOf<K> {
    const found = this.findHolder(kind, accountId, name);
    if (found === undefined) throw noSuchEntity(`The ${kind} with name ${name} cannot be found.`);
    return found;
  }

  /** Names differ in more than case. @throws ServiceError EntityAlreadyExists */
  refuseTakenName(kind: HolderKind, accountId: string, name: string): void {
    if (this.holders.named(foldedName(kind, accountId, name)) === undefined) return;
    const title = { user: "User", role: "Role", group: "Group" }[kind];
    throw alreadyExists(`${title} with name ${name} already exists.`);
  }

  /** A user or role by its full ARN, path included. */
  holderOfArn(arn: string): Holder | undefined {
    const parsed = parseArn(arn);
    if (parsed?.service !== "iam") return undefined;
    const kind = parsed.resource.slice(0, parsed.resource.indexOf("/"));
    if (kind !== "user" && kind !== "role" && kind !== "group") return undefined;
    const name = parsed.resource.slice(parsed.resource.lastIndexOf("/") + 1);
    const found = this.findHolder(kind, parsed.account, name);
    return found !== undefined && holderArn(found) === arn ? found : undefined;
  }

  roleOfArn(arn: string): Role | undefined {
    const found = this.holderOfArn(arn);
    return found?.kind === "role" ? found : undefined;
  }

  /** A managed policy, the customers' or AWS's own. */
  findPolicy(arn: string): ManagedPolicy | undefined {
    return this.policies.get(arn) ?? AWS_MANAGED_POLICIES.get(arn);
  }

  policyNameIsTaken(accountId: string, name: string): boolean {
    return this.policies.named(foldedName("policy", accountId, name)) !== undefined;
  }

  holdersOf<K extends HolderKind>(kind: K, accountId: string): HolderOf<K>[] {
    const found: HolderOf<K>[] = [];
    for (const one of this.holders.values()) {
      if (one.kind === kind && one.accountId === accountId) found.push(one as HolderOf<K>);
    }
    return found;
  }

  /** Of a user; without an id, of the account's root user. The oldest first. */
  accessKeysOf(accountId: string, userId: string | undefined): AccessKey[] {
    return [...this.accessKeys.values()]
      .filter((one) => one.accountId === accountId && one.userId === userId)
      .sort((a, b) => a.createdAtMs - b.createdAtMs);
  }

  /** Everything in the account that the managed policy is attached to, or is the boundary of. */
  usesOf(policyArn: string, accountId: string): { readonly attached: Holder[]; readonly bounded: Holder[] } {
    const attached: Holder[] = [];
    const bounded: Holder[] = [];
    for (const one of this.holders.values()) {
      if (one.accountId !== accountId) continue;
      if (one.attached.includes(policyArn)) attached.push(one);
      if (one.kind !== "group" && one.boundary === policyArn) bounded.push(one);
    }
    return { attached, bounded };
  }
}

/** Names are unique in an account whatever their case. */
function foldedName(kind: string, accountId: string, name: string): string {
  return `${kind} ${accountId} ${name.toLowerCase()}`;
}
