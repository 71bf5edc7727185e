/**
 * Several accounts as one set of surroundings: every bucket and every key is asked as the account that owns it, as far as
 * there are credentials for that. The role, the organisation and the records stay those of the account that asks.
 */
import type { EventLookup } from "../aws/cloudtrail.ts";
import { AwsError } from "../aws/errors.ts";
import { parseArn } from "../core/arn.ts";
import type { BucketAccess, Keys } from "../doctor/ports.ts";
import { S3Error } from "../s3/errors.ts";
import type { Connection } from "./connection.ts";

/** @param first the account that asks, for whatever belongs to none of the others */
export function acrossAccounts(first: Connection, others: readonly Connection[]): Connection {
  const all = [first, ...others];
  const ofAccount = (account: string | undefined) => all.find((one) => one.accountId === account) ?? first;
  const ofKey = (arn: string) => ofAccount(parseArn(arn)?.account).kms;
  const kms: Keys = {
    key: (arn) => ofKey(arn).key(arn),
    policy: (arn) => ofKey(arn).policy(arn),
    grants: (arn) => ofKey(arn).grants(arn),
    setPolicy: (arn, document) => ofKey(arn).setPolicy(arn, document),
    setState: (arn, from, to) => ofKey(arn).setState(arn, from, to),
    aliases: (region, account) => ofAccount(account).kms.aliases(region, account),
    keyArns: (region, limit, account) => ofAccount(account).kms.keyArns(region, limit, account),
  };
  const found = new Map<string, Promise<BucketAccess>>();
  return {
    ...first,
    kms,
    ...(first.trail === undefined ? {} : { trail: { events: (lookup) => eventsOf(all, lookup) } }),
    policiesOf: async (account) => await ofAccount(account).policiesOf?.(account),
    bucket: (name) => {
      let bucket = found.get(name);
      if (bucket === undefined) {
        bucket = findBucket(all, name);
        found.set(name, bucket);
        // A bucket that is not there may be made.
        bucket.catch(() => found.delete(name));
      }
      return bucket;
    },
    remedyFor: (account) => {
      if (first.accountId === "" || all.some((one) => one.accountId === account)) return undefined;
      return `--profile-for ${account ?? "ACCOUNT"}=PROFILE names credentials of the account that owns it`;
    },
    close: async () => {
      await Promise.all(all.map((one) => one.close()));
    },
  };
}

/** An event is in the history of the account that is changed, and of whoever changed it. @throws AwsError where none may look */
async function eventsOf(all: readonly Connection[], lookup: EventLookup): Promise<string[]> {
  const found: string[] = [];
  let refusal: unknown;
  for (const { trail } of all) {
    try {
      found.push(...((await trail?.events(lookup)) ?? []));
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      refusal ??= error;
    }
  }
  if (found.length === 0 && refusal !== undefined) throw refusal;
  return found;
}

/** As its owner; where that is none of them, as the first who may look at it. */
async function findBucket(all: readonly Connection[], name: string): Promise<BucketAccess> {
  let fallback: BucketAccess | undefined;
  let refusal: unknown;
  for (const one of all) {
    try {
      const access = await one.bucket(name);
      if (all.length === 1 || (await access.settings.isOwnedBy(name, one.accountId)) === true) return access;
      fallback ??= access;
    } catch (error) {
      if (!(error instanceof S3Error) || error.status !== 403) throw error;
      refusal ??= error;
    }
  }
  if (fallback === undefined) throw refusal;
  return fallback;
}
