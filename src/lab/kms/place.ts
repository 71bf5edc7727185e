/**
 * Puts keys into the keyring as facts have them: under their own ARNs, with their states, policies, grants and aliases.
 * Nobody is asked. What encrypts is made here, and is not the key's own, which nobody ever sees.
 */
import { parseArn } from "../../core/arn.ts";
import type { KeyState as FactsKeyState } from "../../core/diagnose/facts.ts";
import type { Grant } from "../../core/iam/model.ts";
import type { Keyring } from "./keyring.ts";
import { type Alias, aliasArn, type Key, type KeyState } from "./model.ts";

export interface PlacedKey {
  /** `arn:aws:kms:REGION:ACCOUNT:key/ID` */
  readonly arn: string;
  readonly state: FactsKeyState;
  readonly managedBy: "customer" | "aws";
  /** With their `alias/`. */
  readonly aliases: readonly string[];
  /** JSON text that parses. */
  readonly policy: string;
  readonly grants: readonly Grant[];
}

/** Adds the key, or changes the one of that ARN; what it has encrypted stays readable. */
export async function placeKey(keyring: Keyring, placed: PlacedKey, nowMs: number): Promise<void> {
  const { region = "", account: accountId = "" } = parseArn(placed.arn) ?? {};
  const keyId = keyIdOf(placed.arn);
  const settings = {
    description: "",
    manager: placed.managedBy === "aws" ? ("AWS" as const) : ("CUSTOMER" as const),
    origin: "AWS_KMS" as const,
    policy: placed.policy,
    tags: {},
  };
  await keyring.change(() => {
    const before = keyring.keys.get(keyId);
    const made = before ?? keyring.draft({ accountId, region }, settings, keyId);
    const key: Key = { ...made, ...settings, state: stateOf(placed.state) };
    const aliases = placed.aliases.map((name): Alias => {
      const arn = aliasArn({ accountId, region, name });
      return { arn, accountId, region, name, keyId, createdAtMs: nowMs, updatedAtMs: nowMs };
    });
    const grants = placed.grants.map((grant) => ({
      ...grant,
      keyId,
      issuingAccount: `arn:aws:iam::${accountId}:root`,
      createdAtMs: nowMs,
      token: `placed ${grant.grantId}`,
    }));
    const gone = before === undefined ? [] : keyring.grantsOf(before);
    return [
      undefined,
      keyring.keys.put(key),
      ...aliases.map((one) => keyring.aliases.put(one)),
      ...gone.map((one) => keyring.grants.remove(one)),
      ...grants.map((one) => keyring.grants.put(one)),
    ];
  });
}

/** Takes the key away, and its aliases and grants. What it has encrypted is lost. Idempotent. */
export async function removeKey(keyring: Keyring, arn: string): Promise<void> {
  await keyring.change(() => {
    const key = keyring.keys.get(keyIdOf(arn));
    if (key === undefined) return [undefined];
    const aliases = [...keyring.aliases.values()].filter((one) => one.keyId === key.keyId);
    return [
      undefined,
      keyring.keys.remove(key),
      ...aliases.map((one) => keyring.aliases.remove(one)),
      ...keyring.grantsOf(key).map((one) => keyring.grants.remove(one)),
    ];
  });
}

function keyIdOf(arn: string): string {
  return arn.slice(arn.lastIndexOf("/") + 1).toLowerCase();
}

/** A replica of a multi-Region key that waits for its deletion does as little as any other that does. */
function stateOf(state: FactsKeyState): KeyState {
  return state === "PendingReplicaDeletion" ? "PendingDeletion" : state;
}
