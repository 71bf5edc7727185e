/** Whether a replica is what was written: bytes, checksums, metadata, tags, encryption, mark. */
import type { Encryption, Rule, Tag } from "../../core/model.ts";
import type { Checksums, ObjectHead, ObjectMetadata } from "../../s3/store.ts";
import type { CanaryEnd } from "./model.ts";

export interface Expected extends ObjectMetadata {
  readonly body: Uint8Array;
  readonly tags: readonly Tag[];
  readonly rule: Rule;
  /** The source version as its store shows it. */
  readonly source: ObjectHead;
  /** The destination's replicas say that they are some. */
  readonly showsStatus: boolean;
}

/** @returns what differs, in words; an empty list when nothing does. Rejects with an S3Error where it cannot be read */
export async function differences(
  { bucket, store }: CanaryEnd,
  replica: { readonly key: string; readonly versionId: string },
  expected: Expected,
): Promise<readonly string[]> {
  const ref = { bucket, ...replica };
  const { head, body } = await store.getObject(ref);
  const bytes = await body.bytes();
  const tags = expected.tags.length === 0 ? [] : await store.getObjectTagging(ref);
  return [
    ...(Buffer.compare(bytes, expected.body) === 0 ? [] : [`its ${bytes.length} bytes are others than were written`]),
    ...checksumWords(expected.source.checksums, head.checksums),
    ...recordWords("user metadata", expected.userMetadata, head.userMetadata),
    ...recordWords("header", expected.contentHeaders, head.contentHeaders),
    ...tagWords(expected.tags, tags),
    ...encryptionWords(expected.source.encryption, head.encryption, expected.rule),
    ...(expected.showsStatus && head.replicationStatus !== "REPLICA" ? ["it does not show that it is a replica"] : []),
  ];
}

/** Compared where both ends tell the same kind of them. */
function checksumWords(source: Checksums | undefined, replica: Checksums | undefined): string[] {
  if (source === undefined || replica === undefined || source.type !== replica.type) return [];
  return Object.entries(source.values).flatMap(([algorithm, value]) => {
    const other = replica.values[algorithm as keyof Checksums["values"]];
    return other === undefined || other === value ? [] : [`its ${algorithm} is ${other}, and not ${value}`];
  });
}

/** Replicas may have more, such as marks; not less. */
function recordWords(
  what: string,
  expected: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>>,
): string[] {
  return Object.entries(expected)
    .filter(([name, value]) => found[name] !== value)
    .map(([name, value]) => `its ${what} ${name} is ${found[name] ?? "missing"}, and not ${value}`);
}

function tagWords(expected: readonly Tag[], found: readonly Tag[]): string[] {
  const texts = (tags: readonly Tag[]) =>
    tags
      .map(({ key, value }) => `${key}=${value}`)
      .toSorted()
      .join(", ");
  return texts(expected) === texts(found) ? [] : [`its tags are ${texts(found) || "none"}, and not ${texts(expected)}`];
}

/** Replicas of KMS objects are encrypted with the rule's key, which may be named by an alias. @source aws-replication.md §1.2 */
function encryptionWords(source: Encryption, replica: Encryption, rule: Rule): string[] {
  const isKms = (one: Encryption) => one.kind === "SSE-KMS" || one.kind === "DSSE-KMS";
  if (!isKms(source)) return [];
  if (!isKms(replica)) return [`it is encrypted as ${replica.kind}, and not with a KMS key`];
  const { replicaKmsKeyArn: key } = rule.destination;
  if (key === undefined || key.includes(":alias/") || replica.kmsKeyArn === undefined) return [];
  return replica.kmsKeyArn === key ? [] : [`it is encrypted with ${replica.kmsKeyArn}, and not with ${key}`];
}
