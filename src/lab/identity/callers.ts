/**
 * From an access key id to the caller behind it: the answer to every signed request of the lab, out of memory.
 *
 * What is known of a key is kept until the next change of the directory; compiled policies outlive it, because they
 * belong to records (`documents.ts`).
 */
import type { CompiledPolicy } from "../../core/iam/compile.ts";
import type { RequestContext } from "../../core/iam/model.ts";
import type { Caller, CredentialAnswer } from "../model.ts";
import type { Secrets } from "../secrets.ts";
import type { Directory } from "./directory.ts";
import { type CompiledDocuments, compileDocument } from "./documents.ts";
import {
  type AccessKey,
  type Holder,
  holderArn,
  type Role,
  type Session,
  sessionArn,
  type Tags,
  type User,
} from "./model.ts";

interface KnownKey {
  readonly answer: { readonly secretAccessKey: string; readonly caller: Caller };
  readonly active: boolean;
  /** Both only of temporary credentials. */
  readonly token?: string;
  readonly expiresAtMs?: number;
}

export class Callers {
  readonly #directory: Directory;
  readonly #documents: CompiledDocuments;
  readonly #secrets: Secrets;
  readonly #known = new Map<string, KnownKey>();
  /** Session policies never change, so they are compiled once. */
  readonly #sessionPolicies = new WeakMap<Session, readonly CompiledPolicy[]>();
  #generation = -1;

  constructor(directory: Directory, documents: CompiledDocuments, secrets: Secrets) {
    this.#directory = directory;
    this.#documents = documents;
    this.#secrets = secrets;
  }

  /** See `Identity.credential`. */
  credential(accessKeyId: string, sessionToken: string | undefined, nowMs: number): CredentialAnswer {
    if (this.#generation !== this.#directory.generation) {
      this.#known.clear();
      this.#generation = this.#directory.generation;
    }
    const known = this.#known.get(accessKeyId) ?? this.#learn(accessKeyId);
    if (known === undefined) return UNKNOWN_KEY;
    if (!known.active) return INACTIVE_KEY;
    if (known.token !== sessionToken) return sessionToken === undefined ? MISSING_TOKEN : WRONG_TOKEN;
    if (known.expiresAtMs !== undefined && nowMs >= known.expiresAtMs) return EXPIRED_TOKEN;
    return known.answer;
  }

  /** Forgets keys that were removed without a change of the directory's generation. */
  forget(accessKeyIds: Iterable<string>): void {
    for (const id of accessKeyIds) this.#known.delete(id);
  }

  #learn(accessKeyId: string): KnownKey | undefined {
    const session = this.#directory.sessions.get(accessKeyId);
    const key = this.#directory.accessKeys.get(accessKeyId);
    const known = session !== undefined ? this.#ofSession(session) : key !== undefined ? this.#ofKey(key) : undefined;
    if (known !== undefined) this.#known.set(accessKeyId, known);
    return known;
  }

  #ofKey(key: AccessKey): KnownKey | undefined {
    const { accountId, accessKeyId } = key;
    const secretAccessKey = this.#secret(accessKeyId, key.wrappedSecret);
    if (key.userId === undefined) {
      const arn = `arn:aws:iam::${accountId}:root`;
      const principal = { kind: "root", accountId, ...this.#canonical(accountId), arn } as const;
      return { answer: { secretAccessKey, caller: { principal, accessKeyId, identity: [] } }, active: key.active };
    }
    const user = this.#directory.holders.get(key.userId);
    if (user?.kind !== "user") return undefined;
    const caller: Caller = {
      principal: {
        kind: "user",
        accountId,
        ...this.#canonical(accountId),
        arn: holderArn(user),
        userId: user.id,
      },
      accessKeyId,
      identity: this.#identityPolicies(user),
      ...this.#boundary(user),
      context: tagContext(user.tags),
    };
    return { answer: { secretAccessKey, caller }, active: key.active };
  }

  /** Undefined when the role is gone. (That the keys of its sessions are unknown then is unconfirmed.) */
  #ofSession(session: Session): KnownKey | undefined {
    const role = this.#directory.holders.get(session.roleId);
    if (role?.kind !== "role") return undefined;
    const caller: Caller = {
      principal: {
        kind: "session",
        accountId: role.accountId,
        ...this.#canonical(role.accountId),
        arn: sessionArn(role, session.sessionName),
        roleArn: holderArn(role),
        roleId: role.id,
        sessionName: session.sessionName,
      },
      accessKeyId: session.accessKeyId,
      identity: this.#identityPolicies(role),
      ...this.#boundary(role),
      ...(session.policies === undefined ? {} : { session: this.#compiledSession(session, session.policies) }),
      ...(session.invokedBy === undefined ? {} : { invokedBy: session.invokedBy }),
      context: sessionContext(session, role),
    };
    const secretAccessKey = this.#secret(session.accessKeyId, session.wrappedSecret);
    return {
      answer: { secretAccessKey, caller },
      active: true,
      token: session.token,
      expiresAtMs: session.expiresAtMs,
    };
  }

  #canonical(accountId: string): { canonicalUserId?: string } {
    const account = this.#directory.accounts.get(accountId);
    return account === undefined ? {} : { canonicalUserId: account.canonicalUserId };
  }

  #identityPolicies(holder: User | Role): CompiledPolicy[] {
    const holders: Holder[] = [holder];
    if (holder.kind === "user") {
      for (const id of holder.groups) {
        const group = this.#directory.holders.get(id);
        if (group !== undefined) holders.push(group);
      }
    }
    const policies: CompiledPolicy[] = [];
    for (const one of holders) {
      policies.push(...this.#documents.inlinePolicies(one));
      for (const arn of one.attached) {
        const managed = this.#directory.findPolicy(arn);
        if (managed !== undefined) policies.push(this.#documents.managedPolicy(managed));
      }
    }
    return policies;
  }

  #boundary(holder: User | Role): { boundary?: CompiledPolicy } {
    const policy = holder.boundary === undefined ? undefined : this.#directory.findPolicy(holder.boundary);
    return policy === undefined ? {} : { boundary: this.#documents.boundary(policy) };
  }

  #compiledSession(session: Session, texts: readonly string[]): readonly CompiledPolicy[] {
    const known = this.#sessionPolicies.get(session);
    if (known !== undefined) return known;
    const name = `session policy of ${session.sessionName}`;
    const compiled = texts.map((text) => compileDocument(text, "identity", { kind: "session", name }));
    this.#sessionPolicies.set(session, compiled);
    return compiled;
  }

  #secret(accessKeyId: string, wrapped: string): string {
    return unwrapSecret(this.#secrets, accessKeyId, wrapped);
  }
}

/** Encrypts the secret of an access key for storage. */
export function wrapSecret(secrets: Secrets, accessKeyId: string, secret: string): string {
  return Buffer.from(secrets.wrap(Buffer.from(secret), purposeOf(accessKeyId))).toString("base64");
}

/** @throws SecretsError when the lab's root key is another one now */
export function unwrapSecret(secrets: Secrets, accessKeyId: string, wrapped: string): string {
  return Buffer.from(secrets.unwrap(Buffer.from(wrapped, "base64"), purposeOf(accessKeyId))).toString();
}

function purposeOf(accessKeyId: string): string {
  return `secret access key of ${accessKeyId}`;
}

function tagContext(tags: Tags): RequestContext {
  return Object.fromEntries(
    Object.entries(tags).map(([key, value]) => [`aws:principaltag/${key.toLowerCase()}`, value]),
  );
}

function sessionContext(session: Session, role: Role): RequestContext {
  return {
    ...tagContext(role.tags),
    ...tagContext(session.tags),
    "aws:tokenissuetime": new Date(session.issuedAtMs).toISOString(),
    ...(session.sourceIdentity === undefined ? {} : { "aws:sourceidentity": session.sourceIdentity }),
  };
}

const UNKNOWN_KEY: CredentialAnswer = { problem: "unknownKey" };
const INACTIVE_KEY: CredentialAnswer = { problem: "inactiveKey" };
const EXPIRED_TOKEN: CredentialAnswer = { problem: "expiredToken" };
const WRONG_TOKEN: CredentialAnswer = { problem: "wrongToken" };
const MISSING_TOKEN: CredentialAnswer = { problem: "missingToken" };
