/**
 * Keys, aliases and grants of all accounts and regions, and how to find them. Knows names, not permissions.
 *
 * A key whose deletion is due counts as gone; it is removed for good with the next change.
 */
import { createSecretKey, type KeyObject, randomBytes, randomUUID } from "node:crypto";
import { parseArn } from "../../core/arn.ts";
import { assert } from "../../core/assert.ts";
import { type CompiledPolicy, compilePolicy } from "../../core/iam/compile.ts";
import { parsePolicy } from "../../core/iam/parse.ts";
import type { Database } from "../../ledger/database.ts";
import { type Change, ChangeLane, Records, remembered } from "../records.ts";
import type { Secrets } from "../secrets.ts";
import { kmsError, notFound } from "./errors.ts";
import { type Alias, aliasArn, type Home, type Key, type KeyGrant, keyArn } from "./model.ts";
import { awsManagedKeyPolicy } from "./policies.ts";
import { KMS_TABLES } from "./schema.ts";

/** What a caller writes for a key, taken apart. */
export interface KeyReference extends Home {
  readonly type: "key" | "alias";
  /** The key id, or the alias name with its `alias/`. */
  readonly name: string;
  readonly arn: string;
}

/** The key that encrypts for S3 when the customer names none. */
export const S3_ALIAS = "alias/aws/s3";

const KEY_ID = /^(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/i;
const RESOURCE = /^(key|alias)\/(.+)$/s;

export class Keyring {
  readonly keys: Records<Key>;
  readonly aliases: Records<Alias>;
  readonly grants: Records<KeyGrant>;
  readonly #lane: ChangeLane;
  readonly #secrets: Secrets;
  readonly #clock: () => number;
  readonly #policies = new WeakMap<Key, CompiledPolicy>();
  readonly #material = new WeakMap<Key, KeyObject>();
  /** By key id; forgotten with every change. */
  readonly #grantsOf = new Map<string, readonly KeyGrant[]>();
  readonly #aliasesOf = new Map<string, readonly string[]>();

  constructor(options: { readonly database: Database; readonly secrets: Secrets; readonly clock: () => number }) {
    const { database } = options;
    this.#secrets = options.secrets;
    this.#clock = options.clock;
    this.#lane = new ChangeLane(database);
    this.keys = new Records({ database, table: KMS_TABLES.keys, idOf: (one) => one.keyId });
    this.aliases = new Records({ database, table: KMS_TABLES.aliases, idOf: (one) => one.arn });
    this.grants = new Records({
      database,
      table: KMS_TABLES.grants,
      idOf: (one) => one.grantId,
      nameOf: (one) => one.token,
    });
  }

  /** Plans and commits a change while no other one is under way; see `ChangeLane.run`. */
  async change<T>(plan: () => readonly [value: T, ...changes: readonly Change[]]): Promise<T> {
    try {
      return await this.#lane.run(() => {
        const [value, ...changes] = plan();
        return [value, ...this.#removalsDue(), ...changes];
      });
    } finally {
      this.#grantsOf.clear();
      this.#aliasesOf.clear();
    }
  }

  /**
   * Takes apart what a caller wrote for a key.
   *
   * @throws ServiceError NotFoundException for what cannot be the name of a key in this region
   */
  parse(reference: string, home: Home): KeyReference {
    const { accountId, region } = home;
    if (reference.startsWith("arn:")) {
      const arn = parseArn(reference);
      const [, type, name] = RESOURCE.exec(arn?.resource ?? "") ?? [];
      if (arn?.service !== "kms" || name === undefined) {
        throw kmsError("InvalidArnException", `Invalid arn ${reference}`);
      }
      if (arn.region !== region) throw notFound(`Invalid arn ${arn.region}`);
      const isKey = type === "key";
      return {
        type: isKey ? "key" : "alias",
        name: isKey ? name.toLowerCase() : arn.resource,
        arn: reference,
        accountId: arn.account,
        region,
      };
    }
    if (reference.startsWith("alias/")) {
      return {
        type: "alias",
        name: reference,
        accountId,
        region,
        arn: aliasArn({ accountId, region, name: reference }),
      };
    }
    if (!KEY_ID.test(reference)) throw notFound(`Invalid keyId '${reference}'`);
    const keyId = reference.toLowerCase();
    return { type: "key", name: keyId, accountId, region, arn: keyArn({ accountId, region, keyId }) };
  }

  /** The key that a reference leads to; undefined when there is none. */
  find(reference: KeyReference): Key | undefined {
    const keyId = reference.type === "key" ? reference.name : this.alias(reference.arn)?.keyId;
    const key = keyId === undefined ? undefined : this.key(keyId);
    return key?.accountId === reference.accountId && key.region === reference.region ? key : undefined;
  }

  /** By its id alone, wherever it is. */
  key(keyId: string): Key | undefined {
    const key = this.keys.get(keyId);
    return key === undefined || this.#isDue(key) ? undefined : key;
  }

  /** An alias that leads to a key. */
  alias(arn: string): Alias | undefined {
    const alias = this.aliases.get(arn);
    return alias === undefined || this.key(alias.keyId) === undefined ? undefined : alias;
  }

  keysOf(home: Home): Key[] {
    return [...this.keys.values()].filter(
      (one) => one.accountId === home.accountId && one.region === home.region && !this.#isDue(one),
    );
  }

  aliasNamesOf(key: Key): readonly string[] {
    return remembered(this.#aliasesOf, key.keyId, () =>
      [...this.aliases.values()].filter((one) => one.keyId === key.keyId).map((one) => one.name),
    );
  }

  grantsOf(key: Key): readonly KeyGrant[] {
    return remembered(this.#grantsOf, key.keyId, () =>
      [...this.grants.values()].filter((one) => one.keyId === key.keyId),
    );
  }

  policyOf(key: Key): CompiledPolicy {
    return remembered(this.#policies, key, () => compileKeyPolicy(key.policy, keyArn(key)));
  }

  /** Undefined for a key whose material was never imported. */
  materialOf(key: Key): KeyObject | undefined {
    const { wrappedMaterial } = key;
    if (wrappedMaterial === undefined) return undefined;
    return remembered(this.#material, key, () =>
      createSecretKey(this.#secrets.unwrap(Buffer.from(wrappedMaterial, "base64"), purposeOf(key.keyId))),
    );
  }

  /** A new key that is not kept yet. */
  draft(
    home: Home,
    settings: Pick<Key, "description" | "manager" | "origin" | "policy" | "tags">,
    keyId: string = randomUUID(),
  ): Key {
    const isExternal = settings.origin === "EXTERNAL";
    return {
      keyId,
      accountId: home.accountId,
      region: home.region,
      ...settings,
      state: isExternal ? "PendingImport" : "Enabled",
      createdAtMs: this.#clock(),
      ...(isExternal ? {} : { wrappedMaterial: this.#wrapMaterial(keyId, randomBytes(32)) }),
    };
  }

  /** Makes the account's `aws/s3` key in the region on its first use. Idempotent. */
  async ensureS3Key(home: Home): Promise<Key> {
    const reference = this.parse(S3_ALIAS, home);
    return this.change(() => {
      const found = this.find(reference);
      if (found !== undefined) return [found];
      const key = this.draft(home, {
        description: "Default key that protects my S3 objects when no other key is defined",
        manager: "AWS",
        origin: "AWS_KMS",
        policy: awsManagedKeyPolicy(home),
        tags: {},
      });
      const { accountId, region } = home;
      const alias: Alias = {
        arn: reference.arn,
        accountId,
        region,
        name: S3_ALIAS,
        keyId: key.keyId,
        createdAtMs: key.createdAtMs,
        updatedAtMs: key.createdAtMs,
      };
      return [key, this.keys.put(key), this.aliases.put(alias)];
    });
  }

  /** Whether a reference means a key that is made when it is first asked for. */
  isMadeOnDemand(reference: KeyReference): boolean {
    return reference.type === "alias" && reference.name === S3_ALIAS;
  }

  /** Everything that goes with the keys whose deletion is due. */
  #removalsDue(): Change[] {
    const removals: Change[] = [];
    for (const key of this.keys.values()) {
      if (!this.#isDue(key)) continue;
      removals.push(this.keys.remove(key));
      for (const alias of this.aliases.values())
        if (alias.keyId === key.keyId) removals.push(this.aliases.remove(alias));
      for (const grant of this.grants.values()) if (grant.keyId === key.keyId) removals.push(this.grants.remove(grant));
    }
    return removals;
  }

  #isDue(key: Key): boolean {
    return key.deletionAtMs !== undefined && key.deletionAtMs <= this.#clock();
  }

  #wrapMaterial(keyId: string, material: Uint8Array): string {
    return Buffer.from(this.#secrets.wrap(material, purposeOf(keyId))).toString("base64");
  }
}

/** Compiles a key policy that was checked. */
export function compileKeyPolicy(text: string, arn: string): CompiledPolicy {
  const { document } = parsePolicy(text, "resource");
  assert(document !== undefined, `the policy of ${arn} was stored although it does not parse`);
  return compilePolicy(document, { kind: "resource", name: `key policy of ${arn}`, attachedTo: arn });
}

function purposeOf(keyId: string): string {
  return `material of KMS key ${keyId}`;
}
