/** The kinds of objects that a canary writes for a rule: those that the rule selects, each as small as can be. */
import { eligibility } from "../../core/eligibility.ts";
import type { Encryption, ReplicationConfiguration, Rule } from "../../core/model.ts";
import type { BucketEncryption } from "../../s3/settings.ts";
import type { WriteRequest } from "../../s3/store.ts";
import type { CanaryKind } from "./model.ts";

/** User metadata of every canary; its value is the run's id. */
export const CANARY_MARK = "lockstep-canary";
/** The least that a part may hold which is not the last. */
const PART_BYTES = 5 * 1024 * 1024;
const CANARY_BYTES = 256;
/** Asked for by name where the bucket's default is a KMS key: rules that select no KMS objects would pass those by. */
const SSE_S3: Encryption = { kind: "SSE-S3" };
const KMS_KINDS: readonly Encryption["kind"][] = ["SSE-KMS", "DSSE-KMS"];

export interface PlannedCanary {
  readonly kind: Exclude<CanaryKind, "marker">;
  readonly key: string;
  readonly write: WriteRequest;
  /** One body, or those of the parts. */
  readonly parts: readonly number[];
  /** Why it is not written. */
  readonly untried?: string;
}

export interface CanaryPlan {
  readonly objects: readonly PlannedCanary[];
  /** Whether the first object is deleted once it has arrived, and its delete marker followed. */
  readonly marker: boolean;
}

export interface PlanOptions {
  readonly bucket: string;
  readonly configuration: ReplicationConfiguration;
  readonly rule: Rule;
  /** Where the objects go: a prefix under the rule's. */
  readonly prefix: string;
  readonly id: string;
  readonly multipart: boolean;
  readonly kmsKeyArn: string | undefined;
  /** What the bucket gives to objects that ask for nothing. */
  readonly bucketDefault: BucketEncryption | undefined;
}

/** What would be written for one rule. */
export function planCanary(options: PlanOptions): CanaryPlan {
  const { rule, multipart, configuration, prefix } = options;
  const first = rule.tags.length > 0 ? "tagged" : "plain";
  const objects = [
    planned(first, options),
    ...(rule.kmsObjects ? [planned("kms", options)] : []),
    ...(multipart ? [planned("multipart", options)] : []),
  ];
  const marker = {
    key: `${prefix}${first}`,
    isDeleteMarker: true,
    storageClass: "STANDARD",
    encryption: { kind: "NOT-SSE" as const },
    tags: [],
  };
  const isTaken = eligibility(configuration, marker, "deleteMarker").taken.includes(rule);
  return { objects, marker: isTaken };
}

function planned(
  kind: PlannedCanary["kind"],
  { bucket, configuration, rule, prefix, id, kmsKeyArn, bucketDefault }: PlanOptions,
): PlannedCanary {
  const key = `${prefix}${kind}`;
  const isKmsByDefault = bucketDefault !== undefined && KMS_KINDS.includes(bucketDefault.kind);
  const encryption = kind === "kms" ? named(kmsKeyArn) : isKmsByDefault ? SSE_S3 : undefined;
  const write = {
    bucket,
    key,
    contentHeaders: { "content-type": "text/plain" },
    userMetadata: { [CANARY_MARK]: id },
    ...(rule.tags.length > 0 ? { tags: rule.tags } : {}),
    ...(encryption === undefined ? {} : { encryption }),
  };
  const parts = kind === "multipart" ? [PART_BYTES, CANARY_BYTES] : [CANARY_BYTES];
  const object = { kind, key, write, parts };
  if (kind === "kms" && encryption === undefined && !isKmsByDefault) {
    return { ...object, untried: "no KMS key is known: the bucket has none by default, so name one with --kms-key" };
  }
  const candidate = {
    key,
    isDeleteMarker: false,
    storageClass: "STANDARD",
    encryption: encryption ?? bucketDefault ?? { kind: "NOT-SSE" as const },
    tags: rule.tags,
  };
  const outcome = eligibility(configuration, candidate, "put").outcomes.find((one) => one.rule === rule);
  if (outcome?.taken === false && outcome.because.reason === "outranked") {
    return { ...object, untried: `rule ${outcome.because.byRuleId} takes such objects: it has the higher priority` };
  }
  return object;
}

function named(kmsKeyArn: string | undefined): Encryption | undefined {
  return kmsKeyArn === undefined ? undefined : { kind: "SSE-KMS", kmsKeyArn };
}
