/** Reads the settings of a bucket that have a say in replication, as its source or as its destination. */
import { bucketArn, bucketOfArn } from "../core/arn.ts";
import type { BucketFacts, Read } from "../core/diagnose/facts.ts";
import type { ReplicationConfiguration } from "../core/model.ts";
import { S3Error } from "../s3/errors.ts";
import type { BucketSettings } from "../s3/settings.ts";
import type { BucketAccess, Surroundings } from "./ports.ts";
import { read, unreadable } from "./read.ts";

/** @param named the account that a rule names as the owner */
export async function bucketFacts(
  name: string,
  access: BucketAccess,
  surroundings: Surroundings,
  named: string | undefined,
): Promise<BucketFacts> {
  const { settings, region } = access;
  const owner = await ownerOf(settings, name, surroundings.accountId, named);
  const remedy = surroundings.remedyFor?.(owner.account);
  const [
    ownerId,
    versioning,
    policy,
    defaultEncryption,
    ownership,
    objectLock,
    publicAccessBlock,
    requestPayer,
    notification,
    inventory,
  ] = await Promise.all([
    read(async () => (await settings.getBucketAcl(name)).ownerId, remedy),
    read(() => settings.getBucketVersioning(name), remedy),
    read(() => settings.getBucketPolicy(name), remedy),
    read(() => settings.getBucketEncryption(name), remedy),
    read(() => settings.getBucketOwnership(name), remedy),
    read(() => settings.getObjectLock(name), remedy),
    read(() => settings.getPublicAccessBlock(name), remedy),
    read(() => settings.getRequestPayment(name), remedy),
    read(() => settings.getBucketNotification(name), remedy),
    read(() => settings.listInventories(name), remedy),
  ]);
  return {
    name,
    arn: bucketArn(name),
    ...owner,
    ownerId,
    region:
      region === undefined
        ? { state: "unreadable", because: "the store does not tell its Region" }
        : { state: "read", value: region },
    versioning,
    policy,
    defaultEncryption,
    ownership,
    objectLock,
    publicAccessBlock,
    requestPayer,
    replication: { state: "absent" },
    notification,
    inventory,
  };
}

/** S3 tells no account number; it tells whether a number that it is asked about is the right one. */
async function ownerOf(
  settings: BucketSettings,
  name: string,
  asking: string,
  named = asking,
): Promise<Pick<BucketFacts, "account" | "accountTold" | "notOwnedBy">> {
  const notOwnedBy: string[] = [];
  for (const account of new Set([named, asking])) {
    const answer = await read(() => settings.isOwnedBy(name, account));
    if (answer.state !== "read") break;
    if (answer.value) return { account, accountTold: true, notOwnedBy };
    notOwnedBy.push(account);
  }
  return { account: named, accountTold: false, notOwnedBy };
}

/** By bucket ARN: every bucket that a rule names. */
export async function destinationFacts(
  surroundings: Surroundings,
  configuration: ReplicationConfiguration | undefined,
): Promise<Record<string, BucketFacts>> {
  const found: Record<string, BucketFacts> = {};
  for (const { destination } of configuration?.rules ?? []) {
    const name = bucketOfArn(destination.bucketArn);
    if (name === undefined || found[destination.bucketArn] !== undefined) continue;
    found[destination.bucketArn] = await destinationOf(surroundings, name, destination.account);
  }
  return found;
}

async function destinationOf(
  surroundings: Surroundings,
  name: string,
  named: string | undefined,
): Promise<BucketFacts> {
  const { accountId } = surroundings;
  try {
    return await bucketFacts(name, await surroundings.bucket(name), surroundings, named);
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    const nothing: Read<never> =
      error.status === 404 ? { state: "absent" } : unreadable(error, surroundings.remedyFor?.(named));
    return {
      name,
      arn: bucketArn(name),
      account: named ?? accountId,
      accountTold: false,
      notOwnedBy: [],
      ownerId: nothing,
      region: nothing,
      versioning: nothing,
      policy: nothing,
      defaultEncryption: nothing,
      ownership: nothing,
      objectLock: nothing,
      publicAccessBlock: nothing,
      requestPayer: nothing,
      replication: nothing,
    };
  }
}
