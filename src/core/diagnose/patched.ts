/** Facts as they would be if patches were applied. Pure; nothing is checked that a service would check. */
import { unreachable } from "../assert.ts";
import { asObject, asString, type DocumentValue } from "../config/document.ts";
import type {
  BucketFacts,
  KeyFacts,
  KeyState,
  OrganizationFacts,
  PolicyLevel,
  Read,
  RoleFacts,
  Setup,
} from "./facts.ts";
import type { Patch } from "./report.ts";
import { encryptionOfDocument, objectLockOfDocument, ownershipOfDocument } from "./setting-documents.ts";

/** The setup with the patches applied in their order. A patch of what the setup does not hold changes nothing. */
export function patchedSetup(setup: Setup, patches: readonly Patch[]): Setup {
  return patches.reduce(withPatch, setup);
}

function withPatch(setup: Setup, patch: Patch): Setup {
  const { after } = patch;
  const text = textOf(after);
  switch (patch.target) {
    case "organization-policy":
      return withOrganization(setup, patch.resource, JSON.stringify(after));
    case "iam-boundary-policy":
      return withRole(setup, (role) => withManaged(role, patch.resource, JSON.stringify(after)));
    case "iam-role-policy":
      return withRole(setup, (role) =>
        patch.name?.startsWith("arn:")
          ? withManaged(role, patch.name, JSON.stringify(after))
          : withInline(role, patch.name ?? "", after),
      );
    // The role that replicates is never made by a patch.
    case "iam-role":
      return setup;
    case "iam-trust-policy":
      return withRole(setup, (role) => ({ ...role, trust: JSON.stringify(after) }));
    case "kms-key-policy":
      return withKey(setup, patch.resource, (key) => ({ ...key, policy: text }));
    case "kms-key-state": {
      const state = asString(asObject(after)?.["KeyState"]) as KeyState | undefined;
      return withKey(setup, patch.resource, (key) => (state === undefined ? key : { ...key, state }));
    }
    case "bucket-policy":
    case "replication":
    case "versioning":
    case "encryption":
    case "ownership":
    case "object-lock":
    case "request-payment":
      return withBucket(setup, patch.resource, { [BUCKET_MEMBERS[patch.target]]: bucketMember(patch) });
    default:
      return unreachable(patch.target);
  }
}

type BucketTarget = keyof typeof BUCKET_MEMBERS;

const BUCKET_MEMBERS = {
  "bucket-policy": "policy",
  replication: "replication",
  versioning: "versioning",
  encryption: "defaultEncryption",
  ownership: "ownership",
  "object-lock": "objectLock",
  "request-payment": "requestPayer",
} as const satisfies Partial<Record<Patch["target"], keyof BucketFacts>>;

function bucketMember({ target, after }: Patch): Read<unknown> {
  if (after === null) return { state: "absent" };
  const value = (content: unknown): Read<unknown> =>
    content === undefined ? { state: "absent" } : { state: "read", value: content };
  switch (target as BucketTarget) {
    case "bucket-policy":
      return value(JSON.stringify(after));
    case "replication":
      return value(after);
    case "versioning":
      return value(asString(asObject(after)?.["Status"]));
    case "encryption":
      return value(encryptionOfDocument(after));
    case "ownership":
      return value(ownershipOfDocument(after));
    case "object-lock":
      return value(objectLockOfDocument(after));
    case "request-payment":
      return value(asString(asObject(after)?.["Payer"]));
  }
}

function withBucket(setup: Setup, resource: string, change: object): Setup {
  const { source, destinations } = setup;
  const isIt = (bucket: BucketFacts) => bucket.arn === resource || bucket.name === resource;
  const changed = Object.entries(destinations).map(([arn, one]) => [arn, isIt(one) ? { ...one, ...change } : one]);
  return {
    ...setup,
    source: isIt(source) ? { ...source, ...change } : source,
    destinations: Object.fromEntries(changed) as Setup["destinations"],
  };
}

function withRole(setup: Setup, change: (role: RoleFacts) => RoleFacts): Setup {
  const { role } = setup;
  return role.state === "read" ? { ...setup, role: { state: "read", value: change(role.value) } } : setup;
}

/** A managed policy may be attached, be the boundary, or both. */
function withManaged(role: RoleFacts, arn: string, document: string): RoleFacts {
  const { boundary, policies } = role;
  return {
    ...role,
    policies: policies.map((one) => (one.arn === arn ? { ...one, document } : one)),
    ...(boundary?.arn === arn ? { boundary: { ...boundary, document } } : {}),
  };
}

function withInline(role: RoleFacts, name: string, after: DocumentValue): RoleFacts {
  const others = role.policies.filter((one) => one.kind !== "inline" || one.name !== name);
  if (after === null) return { ...role, policies: others };
  return { ...role, policies: [...others, { kind: "inline", name, document: JSON.stringify(after) }] };
}

/** The same key may be known by an alias, too. */
function withKey(setup: Setup, arn: string, change: (key: KeyFacts) => KeyFacts): Setup {
  const keys = Object.entries(setup.keys).map(([name, key]): [string, Read<KeyFacts>] =>
    key.state === "read" && key.value.arn === arn ? [name, { state: "read", value: change(key.value) }] : [name, key],
  );
  return { ...setup, keys: Object.fromEntries(keys) };
}

function withOrganization(setup: Setup, id: string, document: string): Setup {
  if (setup.organization.state !== "read") return setup;
  const { scps, rcps } = setup.organization.value;
  const changed = (byAccount: OrganizationFacts["scps"]): OrganizationFacts["scps"] =>
    Object.fromEntries(
      Object.entries(byAccount).map(([account, levels]) => [
        account,
        levels.map((level): PolicyLevel => {
          const policies = level.policies.map((one) => (one.id === id ? { ...one, document } : one));
          return { ...level, policies };
        }),
      ]),
    );
  const value = { ...setup.organization.value, scps: changed(scps), rcps: changed(rcps) };
  return { ...setup, organization: { state: "read", value } };
}

function textOf(document: DocumentValue): Read<string> {
  return document === null ? { state: "absent" } : { state: "read", value: JSON.stringify(document) };
}
