/** One call of KMS over the wire, on its way through an operation. */
import type { RequestContext } from "../../core/iam/model.ts";
import type { Caller, Identity } from "../model.ts";
import { pageOf } from "../pages.ts";
import type { KeyAccess, KmsCaller } from "./access.ts";
import type { Cryptography } from "./cryptography.ts";
import { keyNotFound, kmsError, notFound } from "./errors.ts";
import type { Input } from "./input.ts";
import type { KeyReference, Keyring } from "./keyring.ts";
import { type Home, type Key, keyArn } from "./model.ts";

/** What the operations of KMS are built on. */
export interface KmsParts {
  readonly keyring: Keyring;
  readonly access: KeyAccess;
  readonly cryptography: Cryptography;
  readonly identity: Identity;
  readonly clock: () => number;
}

/** An operation: the members of its answer, or nothing. */
export type KmsOperation = (request: KmsRequest) => Promise<Readonly<Record<string, unknown>> | undefined>;

/** Limits on the length of names of keys. */
const KEY_REFERENCE = { max: 2048 };

export class KmsRequest implements KmsCaller {
  readonly keyring: Keyring;
  readonly access: KeyAccess;
  readonly cryptography: Cryptography;
  readonly identity: Identity;
  readonly caller: Caller;
  readonly region: string;
  readonly context: RequestContext;
  readonly home: Home;
  readonly nowMs: number;
  readonly input: Input;
  readonly action: string;

  constructor(parts: KmsParts, call: KmsCaller & { readonly action: string; readonly input: Input }) {
    this.keyring = parts.keyring;
    this.access = parts.access;
    this.cryptography = parts.cryptography;
    this.identity = parts.identity;
    this.nowMs = parts.clock();
    this.caller = call.caller;
    this.region = call.region;
    this.context = call.context;
    this.action = call.action;
    this.input = call.input;
    this.home = parts.access.homeOf(call);
  }

  /** A key named by id, ARN or alias, as the operations that use keys take it. */
  async reference(member = "KeyId"): Promise<KeyReference> {
    const reference = this.keyring.parse(this.input.text(member, KEY_REFERENCE), this.home);
    if (this.keyring.isMadeOnDemand(reference) && reference.accountId === this.home.accountId) {
      if (this.keyring.find(reference) === undefined) await this.keyring.ensureS3Key(this.home);
    }
    return reference;
  }

  /** A key named by id or ARN, as the operations that change keys take it, after asking for permission. */
  key(context?: RequestContext, member = "KeyId"): Key {
    const text = this.input.text(member, KEY_REFERENCE);
    const reference = this.keyring.parse(text, this.home);
    // What AWS says to an alias here is unconfirmed.
    if (reference.type === "alias") throw notFound(`Invalid keyId '${text}'`);
    return this.access.require(this, reference, this.action, context);
  }

  /** The same for operations that no other account may call, whatever the key's policy says. */
  ownKey(context?: RequestContext, member?: string): Key {
    const key = this.key(context, member);
    if (key.accountId !== this.home.accountId) {
      throw kmsError("AccessDeniedException", `${this.action} is not for keys of other accounts.`);
    }
    return key;
  }

  /** The record as it is now, while a change is planned. */
  current(key: Key): Key {
    const found = this.keyring.key(key.keyId);
    if (found === undefined) throw keyNotFound(keyArn(key));
    return found;
  }

  /** Ends a call that only asks whether it would succeed. @throws ServiceError DryRunOperationException, if it is one */
  endDryRun(): void {
    if (!this.input.flag("DryRun")) return;
    throw kmsError("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.");
  }

  /** One page of what was found, in the order of `keyOf`, and the members that tell where the next one starts. */
  page<T>(
    items: Iterable<T>,
    keyOf: (item: T) => string,
    limits: { readonly normal: number; readonly max: number },
  ): { readonly items: readonly T[]; readonly members: Readonly<Record<string, unknown>> } {
    const limit = this.input.integer("Limit", { min: 1, max: limits.max }) ?? limits.normal;
    const page = pageOf(items, keyOf, { limit, marker: this.input.optionalText("Marker", { max: 1024 }) });
    const { marker } = page;
    const members = marker === undefined ? { Truncated: false } : { Truncated: true, NextMarker: marker };
    return { items: page.items, members };
  }
}

/** Times on the wire: seconds since 1970. */
export function seconds(ms: number): number {
  return ms / 1000;
}
