/**
 * Several snapshots as one: what could not be read here is taken from where it could, such as from the account that owns
 * the destination. The first snapshot is the one that is diagnosed, and its versions are the only ones that count.
 *
 * Where two of them say different things the first is believed, and the contradiction is told.
 */
import type { BucketFacts, KeyFacts, OrganizationFacts, Read, Setup } from "../core/diagnose/facts.ts";
import type { Snapshot } from "./snapshot.ts";

export interface Merged {
  readonly snapshot: Snapshot;
  /** Sentences: what the others contradict. */
  readonly conflicts: readonly string[];
}

/** A snapshot and what it is called. */
export interface NamedSnapshot {
  readonly name: string;
  readonly snapshot: Snapshot;
}

export function mergeSnapshots(first: NamedSnapshot, others: readonly NamedSnapshot[]): Merged {
  const conflicts: string[] = [];
  let { setup } = first.snapshot;
  for (const other of others) {
    const differs = (what: string) => {
      conflicts.push(`${what}: ${other.name} says otherwise than ${first.name}, which is believed`);
    };
    setup = filled(setup, other.snapshot.setup, differs);
  }
  return { snapshot: { ...first.snapshot, setup }, conflicts };
}

type Differs = (what: string) => void;

function filled(setup: Setup, other: Setup, differs: Differs): Setup {
  const bucketsThere: Readonly<Record<string, BucketFacts>> = {
    ...other.destinations,
    [other.source.arn]: other.source,
  };
  const bucket = (one: BucketFacts) => filledBucket(one, bucketsThere[one.arn], differs);
  const keys: Record<string, Read<KeyFacts>> = { ...other.keys };
  for (const [arn, key] of Object.entries(setup.keys)) keys[arn] = filledKey(arn, key, other.keys[arn], differs);
  const candidateKeys = { ...setup.candidateKeys };
  for (const [region, found] of Object.entries(other.candidateKeys)) {
    const known = candidateKeys[region] ?? [];
    candidateKeys[region] = [...known, ...found.filter((one) => !known.some(({ arn }) => arn === one.arn))];
  }
  return {
    ...setup,
    source: bucket(setup.source),
    destinations: Object.fromEntries(Object.entries(setup.destinations).map(([arn, one]) => [arn, bucket(one)])),
    role: filledRole(setup, other, differs),
    keys,
    candidateKeys,
    organization: filledOrganization(setup.organization, other.organization, differs),
  };
}

/** What is known of a bucket as a destination, and what its owner knows of it. */
function filledBucket(one: BucketFacts, other: BucketFacts | undefined, differs: Differs): BucketFacts {
  if (other === undefined) return one;
  const { account, accountTold, notOwnedBy } = one.accountTold || !other.accountTold ? one : other;
  const either = <T>(what: string, here: Read<T>, there: Read<T>) =>
    first(`${what} of ${one.name}`, here, there, differs);
  const firstOf = <T>(what: string, here: Read<T> | undefined, there: Read<T> | undefined) =>
    here === undefined || there === undefined ? (here ?? there) : either(what, here, there);
  const notification = firstOf("the notifications", one.notification, other.notification);
  const inventory = firstOf("the inventories", one.inventory, other.inventory);
  return {
    ...one,
    ...(notification === undefined ? {} : { notification }),
    ...(inventory === undefined ? {} : { inventory }),
    account,
    accountTold,
    notOwnedBy,
    ownerId: either("the owner", one.ownerId, other.ownerId),
    region: either("the Region", one.region, other.region),
    versioning: either("the versioning", one.versioning, other.versioning),
    policy: either("the policy", one.policy, other.policy),
    defaultEncryption: either("the default encryption", one.defaultEncryption, other.defaultEncryption),
    ownership: either("Object Ownership", one.ownership, other.ownership),
    objectLock: either("Object Lock", one.objectLock, other.objectLock),
    publicAccessBlock: either("the public access block", one.publicAccessBlock, other.publicAccessBlock),
    requestPayer: either("who pays", one.requestPayer, other.requestPayer),
    // Of a destination it was not asked for, so only what could not be read is filled.
    replication: one.replication.state === "unreadable" ? other.replication : one.replication,
  };
}

function filledKey(
  arn: string,
  one: Read<KeyFacts>,
  other: Read<KeyFacts> | undefined,
  differs: Differs,
): Read<KeyFacts> {
  if (other === undefined) return one;
  if (one.state !== "read" || other.state !== "read") return first(`key ${arn}`, one, other, differs);
  const [here, there] = [one.value, other.value];
  if (here.state !== there.state) differs(`the state of key ${arn}`);
  return {
    state: "read",
    value: {
      ...here,
      aliases: [...new Set([...here.aliases, ...there.aliases])],
      policy: first(`the policy of key ${arn}`, here.policy, there.policy, differs),
      grants: first(`the grants of key ${arn}`, here.grants, there.grants, differs),
    },
  };
}

/** Another snapshot may be about another role. */
function filledRole(setup: Setup, other: Setup, differs: Differs): Setup["role"] {
  const [here, there] = [setup.role, other.role];
  if (there.state !== "read" || there.value.arn !== roleOf(setup)) return here;
  return first(`role ${there.value.arn}`, here, there, differs);
}

function roleOf({ role, source }: Setup): string | undefined {
  if (role.state === "read") return role.value.arn;
  const document = source.replication.state === "read" ? source.replication.value : undefined;
  const named = typeof document === "object" && document !== null && "Role" in document ? document["Role"] : undefined;
  return typeof named === "string" ? named : undefined;
}

function filledOrganization(
  one: Read<OrganizationFacts>,
  other: Read<OrganizationFacts>,
  differs: Differs,
): Read<OrganizationFacts> {
  // An account in no organisation says nothing of another account.
  if (other.state !== "read") return one;
  if (one.state !== "read") return one.state === "unreadable" ? other : one;
  const [here, there] = [one.value, other.value];
  if (here.id !== there.id) {
    differs("the organisation");
    return one;
  }
  const unread = Object.entries(here.unread).filter(([account]) => there.scps[account] === undefined);
  return {
    state: "read",
    value: {
      ...here,
      accounts: { ...there.accounts, ...withoutEmpty(here.accounts) },
      scps: { ...there.scps, ...here.scps },
      rcps: { ...there.rcps, ...here.rcps },
      unread: Object.fromEntries(unread),
    },
  };
}

/** Accounts whose place is not known leave it to whom knows it. */
function withoutEmpty(accounts: OrganizationFacts["accounts"]): OrganizationFacts["accounts"] {
  return Object.fromEntries(Object.entries(accounts).filter(([, path]) => path !== ""));
}

function first<T>(what: string, here: Read<T>, there: Read<T>, differs: Differs): Read<T> {
  if (here.state === "unreadable") return there;
  if (there.state !== "unreadable" && JSON.stringify(here) !== JSON.stringify(there)) differs(what);
  return here;
}
