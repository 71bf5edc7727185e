/**
 * Puts the facts of a bucket's replication into the lab: accounts, buckets, the role, keys and the organisation, under the
 * names, numbers, Regions and ARNs that they have in the world. Nobody is asked for permission, and whatever parses is
 * kept as it is.
 *
 * What could not be read is placed so that it stands in nobody's way: a role that may do everything, a bucket policy that
 * lets the role in across accounts, a key whose account's own policies decide. `core/diagnose/assumed.ts` lists what that
 * makes uncertain. What parses not is taken for what could not be read, as in a diagnosis.
 */
import { bucketArn, parseArn } from "../core/arn.ts";
import { parseReplication } from "../core/config/parse.ts";
import type { BucketFacts, KeyFacts, Read, RoleFacts, Setup } from "../core/diagnose/facts.ts";
import type { DocumentKind } from "../core/iam/document.ts";
import { parsePolicy } from "../core/iam/parse.ts";
import { REPLICATION_SERVICE } from "../core/plan.ts";
import type { IdentityService } from "./identity/identity.ts";
import type { KmsService } from "./kms/kms.ts";
import type { OrganizationsService } from "./organizations/organizations.ts";
import { type BucketEncryption, type BucketSettings, OBJECT_OWNERSHIPS } from "./s3/bucket.ts";
import { placeBucket } from "./s3/place.ts";
import type { S3Service } from "./s3/service.ts";

export interface PlacingParts {
  readonly s3: S3Service;
  readonly identity: IdentityService;
  readonly kms: KmsService;
  readonly organizations: OrganizationsService;
  readonly clock: () => number;
}

/** Of stores that have no accounts to tell. */
const NO_ACCOUNT = "000000000000";
const NO_REGION = "us-east-1";

/** Places all of it, over what was placed before: settings change, and versions stay. */
export async function placeSetup(parts: PlacingParts, setup: Setup): Promise<void> {
  const { s3, identity, kms, organizations, clock } = parts;
  const { replication } = setup.source;
  const configuration = replication.state === "read" ? parseReplication(replication.value).configuration : undefined;
  const roleArn = configuration?.roleArn ?? "";
  const roleAccount = parseArn(roleArn)?.account ?? accountOf(setup.source);
  await placeAccounts(parts, setup, roleAccount);
  if (setup.role.state !== "absent" && configuration !== undefined) {
    await identity.placeRole(roleOf(setup.role, roleArn));
  }
  for (const [arn, key] of Object.entries(setup.keys)) {
    if (key.state === "absent") await kms.remove(arn);
    else for (const one of keyOf(arn, key, roleAccount)) await kms.place(one);
  }
  for (const bucket of [setup.source, ...Object.values(setup.destinations)]) {
    if (bucket.region.state === "absent") continue;
    const region = bucket.region.state === "read" ? bucket.region.value : NO_REGION;
    const versioning = bucket.versioning.state === "unreadable" ? "Enabled" : readOr(bucket.versioning, "" as const);
    const settings = settingsOf(bucket, { roleArn, roleAccount });
    await placeBucket(s3, { name: bucket.name, account: accountOf(bucket), region, versioning, settings }, clock());
  }
  if (setup.organization.state === "read") await organizations.place(setup.organization.value);
}

async function placeAccounts({ identity }: PlacingParts, setup: Setup, roleAccount: string): Promise<void> {
  const buckets = [setup.source, ...Object.values(setup.destinations)];
  const organization = setup.organization.state === "read" ? Object.keys(setup.organization.value.accounts) : [];
  const keyAccounts = Object.keys(setup.keys).map((arn) => parseArn(arn)?.account ?? NO_ACCOUNT);
  const accounts = new Set([...buckets.map(accountOf), roleAccount, ...organization, ...keyAccounts]);
  for (const accountId of accounts) {
    await identity.identity.ensureAccount(accountId);
    const owner = buckets.find((one) => accountOf(one) === accountId && one.ownerId.state === "read")?.ownerId;
    if (owner?.state === "read" && owner.value !== "") {
      await identity.placeAccount({ accountId, canonicalUserId: owner.value });
    }
  }
}

function accountOf({ account }: BucketFacts): string {
  return account === "" ? NO_ACCOUNT : account;
}

function roleOf(role: Exclude<Read<RoleFacts>, { readonly state: "absent" }>, roleArn: string): RoleFacts {
  const openTrust = policyOf({
    Effect: "Allow",
    Principal: { Service: REPLICATION_SERVICE },
    Action: "sts:AssumeRole",
  });
  const openPolicy = policyOf({ Effect: "Allow", Action: "*", Resource: "*" });
  if (role.state === "unreadable") {
    const name = roleArn.slice(roleArn.lastIndexOf("/") + 1);
    const policies = [{ kind: "inline" as const, name: "unread", document: openPolicy }];
    return { arn: roleArn, name, roleId: "AROAUNREADUNREADUNREA", trust: openTrust, policies };
  }
  const { policies, boundary, trust, ...rest } = role.value;
  return {
    ...rest,
    trust: parses(trust, "trust") ? trust : openTrust,
    policies: policies.map((one) => (parses(one.document, "identity") ? one : { ...one, document: openPolicy })),
    ...(boundary === undefined
      ? {}
      : { boundary: parses(boundary.document, "identity") ? boundary : { ...boundary, document: openPolicy } }),
  };
}

/** Of an alias that could not be looked up there is nothing to place but a key of our own behind it. */
function keyOf(arn: string, key: Exclude<Read<KeyFacts>, { readonly state: "absent" }>, roleAccount: string) {
  const account = parseArn(arn)?.account ?? NO_ACCOUNT;
  // The key lets the accounts decide: its own, and where the role is another's, that one.
  const roots = [...new Set([account, roleAccount])].map((one) => `arn:aws:iam::${one}:root`);
  const openPolicy = policyOf({ Effect: "Allow", Principal: { AWS: roots }, Action: "kms:*", Resource: "*" });
  const { region = NO_REGION, resource = "" } = parseArn(arn) ?? {};
  if (key.state === "unreadable") {
    const isAlias = resource.startsWith("alias/");
    const aliases = isAlias ? [resource] : [];
    const keyArn = isAlias ? `arn:aws:kms:${region}:${account}:key/${UNREAD_KEY_ID}` : arn;
    return [
      {
        arn: keyArn,
        state: "Enabled" as const,
        managedBy: "customer" as const,
        aliases,
        policy: openPolicy,
        grants: [],
      },
    ];
  }
  const { policy, grants, aliases, ...rest } = key.value;
  const named = resource.startsWith("alias/") ? [...new Set([...aliases, resource])] : aliases;
  const text = policy.state === "read" && parses(policy.value, "resource") ? policy.value : openPolicy;
  return [{ ...rest, aliases: named, policy: text, grants: readOr(grants, []) }];
}

const UNREAD_KEY_ID = "00000000-0000-4000-8000-000000000000";

function settingsOf(
  bucket: BucketFacts,
  asks: { readonly roleArn: string; readonly roleAccount: string },
): BucketSettings {
  const policy = bucketPolicyOf(bucket, asks);
  const { defaultEncryption, ownership, objectLock, publicAccessBlock, requestPayer, replication } = bucket;
  const blocked = readOr(publicAccessBlock, { blockPublicAcls: false }).blockPublicAcls;
  const owns = OBJECT_OWNERSHIPS.find((one) => ownership.state === "read" && one === ownership.value);
  const defaultRetention = objectLock.state === "read" ? objectLock.value.defaultRetention : undefined;
  const retention =
    defaultRetention?.days !== undefined
      ? { mode: defaultRetention.mode, days: defaultRetention.days }
      : defaultRetention?.years !== undefined
        ? { mode: defaultRetention.mode, years: defaultRetention.years }
        : undefined;
  return {
    ...(policy === undefined ? {} : { policy }),
    ...(defaultEncryption.state === "read" ? { encryption: encryptionOf(defaultEncryption.value) } : {}),
    ...(replication.state === "read" ? { replication: replication.value } : {}),
    ...(blocked ? { publicAccessBlock: { ...NOTHING_BLOCKED, blockPublicAcls: true } } : {}),
    ...(owns !== undefined
      ? { ownership: owns }
      : ownership.state === "unreadable"
        ? { ownership: "BucketOwnerEnforced" }
        : {}),
    ...(objectLock.state === "read"
      ? { objectLock: retention === undefined ? {} : { defaultRetention: retention } }
      : {}),
    ...(requestPayer.state === "read" && requestPayer.value === "Requester" ? { requesterPays: true } : {}),
  };
}

const NOTHING_BLOCKED = {
  blockPublicAcls: false,
  ignorePublicAcls: false,
  blockPublicPolicy: false,
  restrictPublicBuckets: false,
};

/** Within an account a policy that is not known neither helps nor hinders; across accounts it has to let the role in. */
function bucketPolicyOf(
  bucket: BucketFacts,
  { roleArn, roleAccount }: { readonly roleArn: string; readonly roleAccount: string },
): string | undefined {
  const { policy, name } = bucket;
  if (policy.state === "absent") return undefined;
  if (policy.state === "read" && parses(policy.value, "resource")) return policy.value;
  if (accountOf(bucket) === roleAccount || roleArn === "") return undefined;
  const arn = bucketArn(name);
  return policyOf({ Effect: "Allow", Principal: { AWS: roleArn }, Action: "s3:*", Resource: [arn, `${arn}/*`] });
}

function encryptionOf(
  setting: Extract<BucketFacts["defaultEncryption"], { readonly state: "read" }>["value"],
): BucketEncryption {
  const { kind, kmsKeyArn, bucketKey, blocked = [] } = setting;
  return {
    kind: kind === "SSE-KMS" || kind === "DSSE-KMS" ? kind : "SSE-S3",
    ...(kmsKeyArn === undefined ? {} : { kmsKeyId: kmsKeyArn }),
    bucketKey: bucketKey === true,
    blockedTypes: blocked.includes("SSE-C") ? ["SSE-C"] : ["NONE"],
  };
}

function readOr<T, O>(read: Read<T>, otherwise: O): T | O {
  return read.state === "read" ? read.value : otherwise;
}

function policyOf(statement: object): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
}

function parses(text: string, kind: DocumentKind): boolean {
  return parsePolicy(text, kind).document !== undefined;
}
