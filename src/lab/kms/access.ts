/**
 * May this caller do this with this key? The key's policy, its grants and the caller's own policies decide together.
 *
 * Condition keys of KMS are put together here; operations add those of their own parameters.
 *
 * @source aws-replication.md §10.3, §10.4
 */
import { type Denial, denialReason } from "../../core/iam/explain.ts";
import type { Decision, PolicyKind, RequestContext } from "../../core/iam/model.ts";
import type { Ask, Authoriser, Caller } from "../model.ts";
import type { EncryptionContext } from "./envelope.ts";
import { keyNotFound, kmsError, notFound } from "./errors.ts";
import type { KeyReference, Keyring } from "./keyring.ts";
import { type Home, type Key, keyArn } from "./model.ts";

/** Who asks, where, and by which way. */
export interface KmsCaller {
  readonly caller: Caller;
  readonly region: string;
  /** Keys of the request itself. */
  readonly context: RequestContext;
}

export class KeyAccess {
  readonly #keyring: Keyring;
  readonly #authoriser: Authoriser;

  constructor(keyring: Keyring, authoriser: Authoriser) {
    this.#keyring = keyring;
    this.#authoriser = authoriser;
  }

  /** The account whose bare key ids the caller means; a caller without an account has none. */
  homeOf({ caller: { principal }, region }: KmsCaller): Home {
    return { accountId: "accountId" in principal ? principal.accountId : "", region };
  }

  /**
   * The key that a reference leads to, if the caller may do this with it.
   *
   * @param action without its `kms:`
   * @throws ServiceError NotFoundException, AccessDeniedException
   */
  require(by: KmsCaller, reference: KeyReference, action: string, context?: RequestContext): Key {
    const key = this.#keyring.find(reference);
    if (key === undefined) throw this.#missing(by, reference, action);
    const alias = reference.type === "alias" ? { "kms:requestalias": reference.name } : NO_KEYS;
    this.requireKey(by, key, action, joined(alias, context ?? NO_KEYS));
    return key;
  }

  /** The same for a key that is at hand. Returns the decision, which names the grant that allowed it, if one did. */
  requireKey(by: KmsCaller, key: Key, action: string, context: RequestContext = {}): Decision {
    const ask = this.#ask(by, key, action, context);
    const decision = this.#authoriser.decide(by.caller, ask);
    if (!decision.allowed) throw this.#refusal(by, ask, decision);
    return decision;
  }

  /** Whether the caller could do this with the key if its policy were another one. */
  wouldAllow(by: KmsCaller, key: Key, action: string, policy: Ask["resourcePolicy"] & object): boolean {
    return this.#authoriser.decide(by.caller, { ...this.#ask(by, key, action, {}), resourcePolicy: policy }).allowed;
  }

  /** For what is not about a key: only the caller's own policies decide. */
  requireOn(by: KmsCaller, resource: string, action: string, context: RequestContext = {}): void {
    const ask: Ask = {
      action: `kms:${action}`,
      resource,
      resourceAccount: this.homeOf(by).accountId,
      context: joined(by.context, callerContext(by.caller), context),
    };
    const decision = this.#authoriser.decide(by.caller, ask);
    if (!decision.allowed) throw this.#refusal(by, ask, decision);
  }

  #ask(by: KmsCaller, key: Key, action: string, context: RequestContext): Ask {
    return {
      action: `kms:${action}`,
      resource: keyArn(key),
      resourceAccount: key.accountId,
      context: joined(by.context, callerContext(by.caller), this.#keyContext(key), context),
      resourcePolicy: this.#keyring.policyOf(key),
      resourceRule: "resource",
      grants: this.#keyring.grantsOf(key),
    };
  }

  #keyContext(key: Key): RequestContext {
    const context: Record<string, string | readonly string[]> = {
      "kms:keyspec": "SYMMETRIC_DEFAULT",
      "kms:keyusage": "ENCRYPT_DECRYPT",
      "kms:keyorigin": key.origin,
      "kms:multiregion": "false",
    };
    const aliases = this.#keyring.aliasNamesOf(key);
    if (aliases.length > 0) context["kms:resourcealiases"] = aliases;
    for (const [name, value] of Object.entries(key.tags)) context[`aws:resourcetag/${name.toLowerCase()}`] = value;
    return context;
  }

  /** Nobody learns by asking which keys another account has. */
  #missing(by: KmsCaller, reference: KeyReference, action: string) {
    if (reference.accountId === this.homeOf(by).accountId) {
      return reference.type === "key" ? keyNotFound(reference.arn) : notFound(`Alias ${reference.arn} is not found.`);
    }
    const ask: Ask = {
      action: `kms:${action}`,
      resource: reference.arn,
      resourceAccount: reference.accountId,
      context: joined(by.context, callerContext(by.caller)),
      resourceRule: "resource",
    };
    const decision = this.#authoriser.decide(by.caller, ask);
    return decision.allowed ? keyNotFound(reference.arn) : this.#refusal(by, ask, decision);
  }

  /**
   * A refusal from another account's key says that it may as well not exist.
   *
   * @source https://github.com/kubernetes-sigs/aws-encryption-provider/pull/141 (the sentence, as KMS writes it)
   */
  #refusal(by: KmsCaller, ask: Ask, denial: Denial) {
    const message = this.#authoriser.denial(by.caller, ask, denial);
    if (this.#authoriser.tellsReason(by.caller, ask)) return kmsError("AccessDeniedException", message);
    const isOthers =
      denial.because === "explicitDeny"
        ? OTHERS_SIDE.has(denial.by.source.kind)
        : denial.missing.every((kind) => OTHERS_SIDE.has(kind));
    const reason = isOthers
      ? "because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
      : denialReason(ask.action, ownSideOf(denial));
    return kmsError("AccessDeniedException", `${message} ${reason}`);
  }
}

const OTHERS_SIDE: ReadonlySet<PolicyKind> = new Set(["resource", "rcp"]);

/** A denial without what lacks on the other account's side. */
function ownSideOf(denial: Denial): Denial {
  if (denial.because === "explicitDeny") return denial;
  return { ...denial, missing: denial.missing.filter((kind) => !OTHERS_SIDE.has(kind)) };
}

/** The condition keys by which policies refer to the encryption context of a call. */
export function contextKeys(encryptionContext: EncryptionContext): RequestContext {
  const names = Object.keys(encryptionContext);
  if (names.length === 0) return NO_KEYS;
  const keys: Record<string, string | readonly string[]> = { "kms:encryptioncontextkeys": names };
  for (const name of names) keys[`kms:encryptioncontext:${name.toLowerCase()}`] = encryptionContext[name] ?? "";
  return keys;
}

const NO_KEYS: RequestContext = {};

/** Later ones go first. Spreading would take 20 times as long on Node 20, and every encrypted object comes by here. */
function joined(...contexts: readonly RequestContext[]): RequestContext {
  return Object.assign({}, ...contexts) as RequestContext;
}

function callerContext({ principal }: Caller): RequestContext {
  return "accountId" in principal ? { "kms:calleraccount": principal.accountId } : NO_KEYS;
}
