/**
 * Collects facts: reads every document that has a say in a bucket's replication, and looks at its versions.
 *
 * Nothing is written. What the caller may not read is recorded with the reason and never stops the rest; only the source
 * bucket itself must be there.
 */

import { parseArn } from "../core/arn.ts";
import { type DocumentValue, documentOfXml } from "../core/config/document.ts";
import { parseReplication } from "../core/config/parse.ts";
import type { BucketFacts, Facts, KeyFacts, KeyState, Read, RoleFacts, VersionFacts } from "../core/diagnose/facts.ts";
import type { ReplicationConfiguration } from "../core/model.ts";
import { bucketFacts, destinationFacts } from "./collect-buckets.ts";
import { collectOrganization } from "./collect-organization.ts";
import { collectStrays } from "./collect-strays.ts";
import { collectVersions, type Scope } from "./collect-versions.ts";
import { withDifferences } from "./compare-metadata.ts";
import type { BucketAccess, Surroundings } from "./ports.ts";
import { read } from "./read.ts";

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
  const source = await bucketFacts(scope.bucket, access, surroundings, undefined);
  const replication = await readReplication(scope.bucket, access);
  const configuration = replication.state === "read" ? parseReplication(replication.value).configuration : undefined;
  const destinations = await destinationFacts(surroundings, configuration);
  const looked = { scope, configuration, source, destinations };
  const seen = await collectVersions(surroundings, access.store, looked, onSeen);
  const versions = scope.key === undefined ? seen : await withDifferences(surroundings, access.store, seen);
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
    ...(scope.key === undefined
      ? {}
      : { strays: await collectStrays(surroundings, scope.key, configuration, versions) }),
  };
}

async function readReplication(name: string, access: BucketAccess): Promise<Read<DocumentValue>> {
  return await read(async () => {
    const element = await access.settings.getBucketReplication(name);
    return element === undefined ? undefined : documentOfXml(element);
  });
}

/** The role with every policy that is its own. @throws AwsError */
export async function readRole(surroundings: Surroundings, roleArn: string): Promise<RoleFacts | undefined> {
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
  for (const arn of named) {
    const key = await read(() => readKey(surroundings, arn), remedyForKey(surroundings, arn));
    keys[arn] = key;
    // An alias is another name of the key: policies know it only by its own.
    if (key.state === "read") keys[key.value.arn] ??= key;
  }
  return { keys, candidateKeys };
}

/** Keys that a rule could name for its replicas, where KMS is in use at all. */
async function candidatesByRegion(
  surroundings: Surroundings,
  destinations: Readonly<Record<string, BucketFacts>>,
): Promise<Record<string, readonly KeyFacts[]>> {
  const found: Record<string, readonly KeyFacts[]> = {};
  for (const { region, account } of Object.values(destinations)) {
    if (region.state !== "read") continue;
    const arns = await read(() => surroundings.kms.keyArns(region.value, CANDIDATE_KEYS_MAX, account));
    const keys = [...(found[region.value] ?? [])];
    for (const arn of arns.state === "read" ? arns.value : []) {
      if (keys.some((one) => one.arn === arn)) continue;
      const key = await read(() => readKey(surroundings, arn));
      if (key.state === "read") keys.push(key.value);
    }
    found[region.value] = keys;
  }
  return found;
}

function remedyForKey(surroundings: Surroundings, arn: string): string | undefined {
  return surroundings.remedyFor?.(parseArn(arn)?.account);
}

async function readKey(surroundings: Surroundings, keyArn: string): Promise<KeyFacts | undefined> {
  const { kms } = surroundings;
  const key = await kms.key(keyArn);
  if (key === undefined) return undefined;
  const { region = "", account = "", resource = "" } = parseArn(key.arn) ?? {};
  const remedy = remedyForKey(surroundings, key.arn);
  const aliases = await read(() => kms.aliases(region, account));
  return {
    arn: key.arn,
    state: key.state as KeyState,
    managedBy: key.managedBy,
    aliases: aliases.state === "read" ? (aliases.value.get(resource.replace(/^key\//, "")) ?? []) : [],
    policy: await read(() => kms.policy(key.arn), remedy),
    grants: await read(() => kms.grants(key.arn), remedy),
  };
}
