/** The kinds of objects that a rehearsal tries under every rule of a bucket, and how a person calls a sample. */
import { parseArn } from "../core/arn.ts";
import { parseReplication } from "../core/config/parse.ts";
import type { Setup, VersionFacts } from "../core/diagnose/facts.ts";
import { blockedKinds } from "../core/diagnose/setting-documents.ts";
import type { Encryption, Rule, Tag } from "../core/model.ts";
import type { Sample } from "./rehearsal.ts";

/** A sample, and what it is there to show. */
export interface Kind {
  readonly name: string;
  /** Id of the rule whose filter the sample is made to match, or just not to match. */
  readonly rule: string;
  readonly sample: Sample;
}

export interface Kinds {
  readonly kinds: readonly Kind[];
  /** Rules beyond the first few: nothing is tried under them alone. */
  readonly rulesLeftOut: number;
}

const RULES_MAX = 20;
/** So many characters of a key's id tell it from the others. */
const KEY_SHOWN = 8;
/** Keys of the customer's in the source's Region that are tried. */
const KEYS_MAX = 3;
const PLAIN: Pick<Sample, "encryption" | "tags" | "storageClass"> = {
  encryption: { kind: "SSE-S3" },
  tags: [],
  storageClass: "STANDARD",
};

/** Every kind under every rule's filter, and the edges of the filters. Rules with the same filter are tried together. */
export function kindsOf(setup: Setup): Kinds {
  const { replication } = setup.source;
  const rules = replication.state === "read" ? (parseReplication(replication.value).configuration?.rules ?? []) : [];
  const filters = new Map(rules.map((rule) => [JSON.stringify([rule.prefix, rule.tags]), rule]));
  const tried = [...filters.values()].slice(0, RULES_MAX);
  const kinds = tried.flatMap((rule) => [...kindsUnder(setup, rule), ...edgesOf(rule)]);
  return { kinds, rulesLeftOut: filters.size - tried.length };
}

function kindsUnder(setup: Setup, rule: Rule): Kind[] {
  const { source } = setup;
  const kinds: Kind[] = [];
  const add = (name: string, more: Partial<Sample> = {}) => {
    const key = `${rule.prefix}lockstep-rehearsal/${kinds.length + 1}`;
    const tags = [...rule.tags, ...(more.tags ?? [])];
    kinds.push({ name, rule: rule.id, sample: { ...PLAIN, key, ...more, tags } });
  };
  const defaults = source.defaultEncryption;
  add("plain", defaults.state === "read" ? { encryption: withoutBlocked(defaults.value) } : {});
  add("tagged", { tags: [{ key: "lockstep-rehearsal", value: "1" }] });
  add("multipart", { isMultipart: true });
  for (const [name, encryption] of encryptionsOf(setup)) add(name, { encryption });
  if (source.objectLock.state === "read") {
    add("retained", { retained: true });
    add("on legal hold", { held: true });
  }
  if (source.ownership.state === "absent" || isObjectWriter(setup)) {
    add("of another account", { foreign: { bucketOwnerMay: [] } });
    add("of another account, shared", { foreign: { bucketOwnerMay: ["FULL_CONTROL"] } });
  }
  add("delete marker", { isDeleteMarker: true });
  add("archived (GLACIER)", { storageClass: "GLACIER" });
  return kinds;
}

function withoutBlocked({ kind, kmsKeyArn, bucketKey }: Encryption): Encryption {
  return {
    kind: kind === "NOT-SSE" ? "SSE-S3" : kind,
    ...(kmsKeyArn === undefined ? {} : { kmsKeyArn }),
    ...(bucketKey === undefined ? {} : { bucketKey }),
  };
}

function isObjectWriter({ source: { ownership } }: Setup): boolean {
  return ownership.state === "read" && ownership.value !== "BucketOwnerEnforced";
}

function encryptionsOf(setup: Setup): [name: string, Encryption][] {
  const region = setup.source.region.state === "read" ? setup.source.region.value : "";
  const keys = new Set<string>();
  for (const key of Object.values(setup.keys)) {
    if (key.state !== "read" || key.value.managedBy === "aws") continue;
    if (parseArn(key.value.arn)?.region === region) keys.add(key.value.arn);
  }
  const customers = [...keys].slice(0, KEYS_MAX).flatMap((kmsKeyArn): [string, Encryption][] => {
    const key = `key ${kmsKeyArn.slice(kmsKeyArn.lastIndexOf("/") + 1, kmsKeyArn.lastIndexOf("/") + 1 + KEY_SHOWN)}`;
    return [
      [`SSE-KMS, ${key}`, { kind: "SSE-KMS", kmsKeyArn, bucketKey: false }],
      [`SSE-KMS with a bucket key, ${key}`, { kind: "SSE-KMS", kmsKeyArn, bucketKey: true }],
      [`DSSE-KMS, ${key}`, { kind: "DSSE-KMS", kmsKeyArn }],
    ];
  });
  return [
    ["SSE-S3", { kind: "SSE-S3" }],
    ["SSE-KMS, aws/s3", { kind: "SSE-KMS" }],
    ...customers,
    ...(blocksCustomerKeys(setup) ? [] : [["SSE-C", { kind: "SSE-C" }] satisfies [string, Encryption]]),
  ];
}

/** Since April 2026 buckets do so unless they are told otherwise. @source aws-replication.md §2 row 8 */
function blocksCustomerKeys({ source: { defaultEncryption } }: Setup): boolean {
  if (defaultEncryption.state !== "read") return defaultEncryption.state === "absent";
  return blockedKinds(defaultEncryption.value).includes("SSE-C");
}

/** Just outside of the filter: one character of the prefix off, one tag less. */
function edgesOf(rule: Rule): Kind[] {
  const { prefix, tags } = rule;
  const edges: Kind[] = [];
  if (prefix !== "") {
    const key = `${prefix.slice(0, -1)}${prefix.endsWith("~") ? "_" : "~"}lockstep-rehearsal`;
    edges.push({ name: "beside the prefix", rule: rule.id, sample: { ...PLAIN, key, tags } });
  }
  for (const { key: missing } of tags) {
    const left = tags.filter((one) => one.key !== missing);
    const key = `${prefix}lockstep-rehearsal/without-tag-${missing}`;
    edges.push({ name: `without tag ${missing}`, rule: rule.id, sample: { ...PLAIN, key, tags: left } });
  }
  return edges;
}

const DUMMY_TAG: Tag = { key: "lockstep-rehearsal", value: "1" };

/** A version of the bucket as a sample; undefined where there is nothing to try, or the lab cannot make its like. */
export function sampleOf(setup: Setup, version: VersionFacts): Sample | undefined {
  const { encryption, access } = version;
  const { ownerId } = setup.source;
  const isForeign = access !== undefined && ownerId.state === "read" && ownerId.value !== access.ownerId;
  if (version.replicationStatus === "REPLICA" || version.gone === true) return undefined;
  // Sealed with a customer's key, or of another account: that it cannot be read is what it is like.
  if (version.unreadable !== undefined && encryption.kind !== "SSE-C" && !isForeign) return undefined;
  if (version.byLifecycle === true || version.archiveStatus !== undefined) return undefined;
  const { key, storageClass, tags } = version;
  if (version.isDeleteMarker) return { ...PLAIN, key, isDeleteMarker: true };
  return {
    key,
    encryption: withoutBlocked(encryption),
    tags: tags.length === 0 && version.tagCount > 0 ? [DUMMY_TAG] : tags,
    storageClass,
    ...(version.partsCount > 1 ? { isMultipart: true } : {}),
    ...(version.retained === true ? { retained: true } : {}),
    ...(version.held === true ? { held: true } : {}),
    ...(isForeign ? { foreign: { bucketOwnerMay: access.bucketOwnerMay ?? [] } } : {}),
    ...(access?.isPublic === true ? { isPublic: true } : {}),
  };
}

/** `SSE-KMS, tagged, in parts`. */
export function sayKind(sample: Sample): string {
  if (sample.isDeleteMarker === true) return "delete marker";
  const { encryption, storageClass } = sample;
  const words = [
    encryption.bucketKey === true ? `${encryption.kind} with a bucket key` : encryption.kind,
    sample.tags.length > 0 ? "tagged" : "",
    sample.isMultipart === true ? "in parts" : "",
    storageClass === "STANDARD" ? "" : storageClass,
    sample.retained === true ? "retained" : "",
    sample.held === true ? "on legal hold" : "",
    sample.foreign === undefined ? "" : "of another account",
    sample.isPublic === true ? "public" : "",
  ];
  return words.filter((one) => one !== "").join(", ");
}
