/**
 * Collects facts: reads every document that has a say in a bucket's replication, and looks at its versions.
 *
 * Nothing is written. What the caller may not read is recorded with the reason and never stops the rest; only the source
 * bucket itself must be there.
 */

import { AwsError } from "../aws/errors.ts";
import { bucketArn, bucketOfArn, parseArn } from "../core/arn.ts";
import { type DocumentValue, documentOfXml } from "../core/config/document.ts";
import { parseReplication } from "../core/config/parse.ts";
import type { BucketFacts, Facts, KeyFacts, KeyState, Read, RoleFacts, VersionFacts } from "../core/diagnose/facts.ts";
import type { ReplicationConfiguration } from "../core/model.ts";
import { S3Error } from "../s3/errors.ts";
import { collectOrganization } from "./collect-organization.ts";
import { collectVersions, type Scope } from "./collect-versions.ts";
import type { BucketAccess, Surroundings } from "./ports.ts";

/** Keys of a Region that are looked at as possible keys for replicas. */
const CANDIDATE_KEYS_MAX = 100;

/**
 * @param onSeen called with the number of versions seen so far
 * @throws S3Error when the bucket cannot be reached or is not there
 */
export async function collectFacts(
  surroundings: Surroundings,
  scope: Scope,
  onSeen: (versions: number) => void,
): Promise<Facts> {
  const access = await surroundings.bucket(scope.bucket);
  const source = await bucketFacts(scope.bucket, access, surroundings.accountId);
  const replication = await readReplication(scope.bucket, access);
  const configuration = replication.state === "read" ? parseReplication(replication.value).configuration : undefined;
  const destinations = await destinationFacts(surroundings, configuration);
  const versions = await collectVersions(surroundings, access.store, scope, configuration, onSeen);
  const keys = await keyFacts(surroundings, configuration, destinations, versions);
  return {
    takenAtMs: surroundings.clock(),
    source: { ...source, replication },
    destinations,
    role:
      configuration === undefined
        ? { state: "absent" }
        : await read(() => readRole(surroundings, configuration.roleArn)),
    ...keys,
    organization: await collectOrganization(surroundings.organizations, surroundings.accountId, [
      parseArn(configuration?.roleArn ?? "")?.account ?? "",
      ...[source, ...Object.values(destinations)].map((one) => one.account),
      ...Object.keys(keys.keys).map((arn) => parseArn(arn)?.account ?? ""),
    ]),
    versions,
  };
}

/** Runs a read; denials and outages become words, "there is none" is told apart from both. */
async function read<T>(ask: () => Promise<T | undefined>): Promise<Read<T>> {
  try {
    const value = await ask();
    return value === undefined ? { state: "absent" } : { state: "read", value };
  } catch (error) {
    if (error instanceof S3Error || error instanceof AwsError) return { state: "unreadable", because: error.message };
    throw error;
  }
}

async function bucketFacts(name: string, access: BucketAccess, account: string): Promise<BucketFacts> {
  const { settings, region } = access;
  const versioning = read(() => settings.getBucketVersioning(name));
  const policy = read(() => settings.getBucketPolicy(name));
  const defaultEncryption = read(() => settings.getBucketEncryption(name));
  const ownerEnforced = read(async () => (await settings.getBucketOwnership(name)) === "BucketOwnerEnforced");
  return {
    name,
    arn: bucketArn(name),
    account,
    region:
      region === undefined
        ? { state: "unreadable", because: "the store does not tell its Region" }
        : { state: "read", value: region },
    versioning: await versioning,
    policy: await policy,
    defaultEncryption: await defaultEncryption,
    ownerEnforced: await ownerEnforced,
    replication: { state: "absent" },
  };
}

async function readReplication(name: string, access: BucketAccess): Promise<Read<DocumentValue>> {
  return await read(async () => {
    const element = await access.settings.getBucketReplication(name);
    return element === undefined ? undefined : documentOfXml(element);
  });
}

async function destinationFacts(
  surroundings: Surroundings,
  configuration: ReplicationConfiguration | undefined,
): Promise<Record<string, BucketFacts>> {
  const found: Record<string, BucketFacts> = {};
  for (const { destination } of configuration?.rules ?? []) {
    const name = bucketOfArn(destination.bucketArn);
    if (name === undefined || found[destination.bucketArn] !== undefined) continue;
    const account = destination.account ?? surroundings.accountId;
    found[destination.bucketArn] = await destinationOf(surroundings, name, account);
  }
  return found;
}

async function destinationOf(surroundings: Surroundings, name: string, account: string): Promise<BucketFacts> {
  try {
    return await bucketFacts(name, await surroundings.bucket(name), account);
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    const nothing: Read<never> =
      error.status === 404 ? { state: "absent" } : { state: "unreadable", because: error.message };
    return {
      name,
      arn: bucketArn(name),
      account,
      region: nothing,
      versioning: nothing,
      policy: nothing,
      defaultEncryption: nothing,
      ownerEnforced: nothing,
      replication: nothing,
    };
  }
}

async function readRole(surroundings: Surroundings, roleArn: string): Promise<RoleFacts | undefined> {
  const { iam } = surroundings;
  const role = await iam.role(roleArn);
  if (role === undefined) return undefined;
  const inline = await iam.inlinePolicies(roleArn);
  const managed = await iam.attachedPolicies(roleArn);
  const boundary = role.boundaryArn === undefined ? undefined : await iam.managedPolicy(role.boundaryArn);
  return {
    arn: role.arn,
    name: role.name,
    roleId: role.roleId,
    trust: role.trust,
    policies: [
      ...inline.map(({ name, document }) => ({ kind: "inline" as const, name, document })),
      ...managed.map((one) => ({ kind: "managed" as const, ...one })),
    ],
    ...(boundary === undefined
      ? {}
      : { boundary: { arn: role.boundaryArn ?? "", name: boundary.name, document: boundary.document } }),
  };
}

async function keyFacts(
  surroundings: Surroundings,
  configuration: ReplicationConfiguration | undefined,
  destinations: Readonly<Record<string, BucketFacts>>,
  versions: readonly VersionFacts[],
): Promise<Pick<Facts, "keys" | "candidateKeys">> {
  const named = new Set<string>();
  for (const { encryption } of versions) if (encryption.kmsKeyArn !== undefined) named.add(encryption.kmsKeyArn);
  for (const { destination } of configuration?.rules ?? []) {
    if (destination.replicaKmsKeyArn !== undefined) named.add(destination.replicaKmsKeyArn);
  }
  const candidateKeys = named.size === 0 ? {} : await candidatesByRegion(surroundings, destinations);
  for (const one of Object.values(candidateKeys).flat()) named.add(one.arn);
  const keys: Record<string, Read<KeyFacts>> = {};
  for (const arn of named) keys[arn] = await read(() => readKey(surroundings, arn));
  return { keys, candidateKeys };
}

/** Keys that a rule could name for its replicas, where KMS is in use at all. */
async function candidatesByRegion(
  surroundings: Surroundings,
  destinations: Readonly<Record<string, BucketFacts>>,
): Promise<Record<string, readonly KeyFacts[]>> {
  const found: Record<string, readonly KeyFacts[]> = {};
  for (const { region } of Object.values(destinations)) {
    if (region.state !== "read" || found[region.value] !== undefined) continue;
    const arns = await read(() => surroundings.kms.keyArns(region.value, CANDIDATE_KEYS_MAX));
    const keys: KeyFacts[] = [];
    for (const arn of arns.state === "read" ? arns.value : []) {
      const key = await read(() => readKey(surroundings, arn));
      if (key.state === "read") keys.push(key.value);
    }
    found[region.value] = keys;
  }
  return found;
}

async function readKey(surroundings: Surroundings, keyArn: string): Promise<KeyFacts | undefined> {
  const { kms } = surroundings;
  const key = await kms.key(keyArn);
  if (key === undefined) return undefined;
  const { region = "", resource = "" } = parseArn(key.arn) ?? {};
  const aliases = await read(() => kms.aliases(region));
  return {
    arn: key.arn,
    state: key.state as KeyState,
    managedBy: key.managedBy,
    aliases: aliases.state === "read" ? (aliases.value.get(resource.replace(/^key\//, "")) ?? []) : [],
    policy: await read(() => kms.policy(key.arn)),
    grants: await read(() => kms.grants(key.arn)),
  };
}
