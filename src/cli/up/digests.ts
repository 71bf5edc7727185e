/**
 * Digests of what decides about replication in a lab, read as its accounts' administrators read it: configurations, bucket
 * policies, the policies of roles, and key policies. To tell whether any of it has changed.
 */
import { AwsError } from "../../aws/errors.ts";
import { parseArn } from "../../core/arn.ts";
import type { ReplicationConfiguration } from "../../core/model.ts";
import { readRole } from "../../doctor/collect.ts";
import type { Lab } from "../../lab/lab.ts";
import type { DocumentDigest } from "../../monitor/alerts/drift.ts";
import { S3Error } from "../../s3/errors.ts";
import { type Connection, openConnection } from "../connection.ts";
import { DEFAULT_REGION } from "../defaults.ts";
import { AccessError } from "../errors.ts";
import { digestOf } from "../run/document-digests.ts";

interface LabAccess {
  readonly lab: Pick<Lab, "bucket" | "account">;
  readonly endpoint: string;
  readonly clock: () => number;
}

/** What cannot be read now is left out. */
export async function labDigests(buckets: readonly string[], access: LabAccess): Promise<readonly DocumentDigest[]> {
  const connections = new Map<string, Promise<Connection>>();
  const connect = async (account: string): Promise<Connection> => {
    let found = connections.get(account);
    if (found === undefined) {
      const credentials = await access.lab.account(account);
      const { endpoint, clock } = access;
      found = openConnection(
        { endpoint, region: DEFAULT_REGION, credentials: async () => credentials },
        clock,
        undefined,
      );
      connections.set(account, found);
    }
    return await found;
  };
  try {
    const found: DocumentDigest[] = [];
    for (const bucket of buckets) found.push(...(await ofBucket(bucket, access, connect)));
    return found;
  } finally {
    for (const one of await Promise.allSettled(connections.values())) {
      if (one.status === "fulfilled") await one.value.close();
    }
  }
}

type Connect = (account: string) => Promise<Connection>;

async function ofBucket(replication: string, { lab }: LabAccess, connect: Connect): Promise<DocumentDigest[]> {
  const source = lab.bucket(replication);
  const configuration = source?.replication;
  if (source === undefined || configuration === undefined) return [];
  const own = source.account;
  const documents: [what: string, read: () => Promise<string | undefined>][] = [
    [`replication configuration of ${replication}`, async () => JSON.stringify(configuration)],
    ...bucketsOf(replication, configuration).map((name): [string, () => Promise<string | undefined>] => [
      `bucket policy of ${name}`,
      async () => {
        const { settings } = await (await connect(lab.bucket(name)?.account ?? own)).bucket(name);
        return await settings.getBucketPolicy(name);
      },
    ]),
    [
      `policies of ${configuration.roleArn}`,
      async () => {
        const connection = await connect(parseArn(configuration.roleArn)?.account ?? own);
        return JSON.stringify(await readRole(connection, configuration.roleArn));
      },
    ],
    ...keysOf(configuration).map((arn): [string, () => Promise<string | undefined>] => [
      `key policy of ${arn}`,
      async () => (await connect(parseArn(arn)?.account ?? own)).kms.policy(arn),
    ]),
  ];
  const found: DocumentDigest[] = [];
  for (const [what, read] of documents) {
    try {
      const text = await read();
      found.push({ replication, what, digest: text === undefined ? "none" : digestOf(text) });
    } catch (error) {
      if (!(error instanceof S3Error || error instanceof AwsError || error instanceof AccessError)) throw error;
    }
  }
  return found;
}

function bucketsOf(source: string, { rules }: ReplicationConfiguration): string[] {
  const destinations = rules.map((one) => parseArn(one.destination.bucketArn)?.resource ?? "");
  return [...new Set([source, ...destinations])].filter((one) => one !== "");
}

function keysOf({ rules }: ReplicationConfiguration): string[] {
  return [...new Set(rules.flatMap((one) => one.destination.replicaKmsKeyArn ?? []))];
}
