/**
 * What is taken for granted where facts could not be read: it stands in nobody's way. Whatever is concluded by trying it out
 * is less certain by that, and this list says by what.
 */
import type { Encryption } from "../model.ts";
import type { Read, Setup } from "./facts.ts";

export interface Assumption {
  /** `the bucket policy of photos-replica: AccessDenied`. */
  readonly says: string;
  /** Bucket ARN; undefined: it has a say at every destination. */
  readonly destination?: string;
  /** Key ARN; undefined: it has a say in versions of every encryption. */
  readonly key?: string;
}

/** Everything that is assumed of a setup, in a fixed order. */
export function assumptionsOf(setup: Setup): Assumption[] {
  const { source, destinations, role, keys, organization } = setup;
  const unread = (what: string, read: Read<unknown>, scope: Omit<Assumption, "says"> = {}): Assumption[] =>
    read.state === "unreadable" ? [{ says: `${what}: ${read.because}`, ...scope }] : [];
  return [
    ...unread("the role and its policies", role),
    ...unread(`the replication configuration of ${source.name}`, source.replication),
    ...unread(`the bucket policy of ${source.name}`, source.policy),
    ...unread(`the versioning of ${source.name}`, source.versioning),
    ...unread(`Object Lock of ${source.name}`, source.objectLock),
    ...Object.entries(destinations).flatMap(([destination, bucket]) => [
      ...unread(`the bucket policy of ${bucket.name}`, bucket.policy, { destination }),
      ...unread(`the versioning of ${bucket.name}`, bucket.versioning, { destination }),
      ...unread(`the default encryption of ${bucket.name}`, bucket.defaultEncryption, { destination }),
      ...unread(`Object Ownership of ${bucket.name}`, bucket.ownership, { destination }),
      ...unread(`Object Lock of ${bucket.name}`, bucket.objectLock, { destination }),
      ...unread(`the public access block of ${bucket.name}`, bucket.publicAccessBlock, { destination }),
    ]),
    ...Object.entries(keys).flatMap(([key, read]) => [
      ...unread(`key ${key}`, read, { key }),
      ...(read.state === "read" ? unread(`the policy of key ${key}`, read.value.policy, { key }) : []),
      ...(read.state === "read" ? unread(`the grants of key ${key}`, read.value.grants, { key }) : []),
    ]),
    ...unread("the organisation", organization),
    ...(organization.state === "read"
      ? Object.entries(organization.value.unread).map(([account, because]) => ({
          says: `how the organisation caps account ${account}: ${because}`,
        }))
      : []),
  ];
}

/** What of it has a say in one version's replication to one destination. @param replicaKey of the rule, where it names one */
export function assumedFor(
  assumptions: readonly Assumption[],
  {
    destination,
    encryption,
    replicaKey,
  }: {
    readonly destination: string;
    readonly encryption: Encryption;
    readonly replicaKey: string | undefined;
  },
): string[] {
  const isKms = encryption.kind === "SSE-KMS" || encryption.kind === "DSSE-KMS";
  return assumptions
    .filter((one) => one.destination === undefined || one.destination === destination)
    .filter(({ key }) => key === undefined || (isKms && (key === encryption.kmsKeyArn || key === replicaKey)))
    .map((one) => one.says);
}
