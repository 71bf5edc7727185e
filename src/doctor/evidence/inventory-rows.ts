/**
 * Rows of an inventory as a diagnosis sees them: what they share, a few of them as samples, and a version that stands for
 * all of them. What an inventory does not tell (tags, KMS keys) is not in it; `inventory.ts` looks at samples for that.
 *
 * @source aws-replication.md §8.3
 */
import type { Weight } from "../../core/diagnose/diagnose.ts";
import type { AccessFacts, BucketFacts, RecordedFailure, VersionFacts } from "../../core/diagnose/facts.ts";
import type { EncryptionKind } from "../../core/model.ts";
import { replicationStatusOf } from "../../core/status.ts";
import { partsOfEtag } from "../../s3/etag.ts";

/** What decides about a version, as far as an inventory tells; null where it has no such column or no value. */
export interface Traits {
  readonly marker: boolean;
  /** Only of markers, where it was asked. */
  readonly late: boolean;
  readonly multipart: boolean;
  readonly status: string | null;
  readonly encryption: string | null;
  readonly bucketKey: boolean | null;
  readonly storageClass: string | null;
  readonly tier: string | null;
  readonly retained: boolean | null;
  readonly held: boolean | null;
  readonly owner: string | null;
  /** Base64. */
  readonly acl: string | null;
  /** Index of what is recorded of them; null where nothing is. */
  readonly recorded: number | null;
}

export interface InventoryItem {
  readonly key: string;
  /** Undefined in an inventory of current versions only. */
  readonly versionId: string | undefined;
  readonly isLatest: boolean;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly lastModifiedMs: number;
}

/** Rows with the same traits whose keys meet the same conditions. */
export interface InventoryGroup {
  readonly traits: Traits;
  readonly rows: number;
  readonly bytes: number;
  /** When the oldest and the newest of them were written. */
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Some of them, 1 to 6. */
  readonly samples: readonly InventoryItem[];
}

/** How many rows of a group are known by name, at most: those that are looked at, and one to name the others by. */
export const SAMPLES_MAX = 6;

/** Those that are looked at. */
export function lookedAtOf({ rows, samples }: InventoryGroup): readonly InventoryItem[] {
  return rows > samples.length ? samples.slice(0, SAMPLES_MAX - 1) : samples;
}

export function weightOf({ rows, bytes, sinceMs, samples }: InventoryGroup): Weight {
  const named = samples.flatMap(({ key, versionId }) => (versionId === undefined ? [] : [{ key, versionId }]));
  return { versions: rows, bytes, sinceMs, samples: named };
}

/** A version that stands for the group: its first sample, as the inventory has it. */
export function versionOf(
  source: BucketFacts,
  { traits, samples, sinceMs }: InventoryGroup,
  failures: readonly RecordedFailure[],
): VersionFacts {
  const [sample] = samples;
  const { versionId = "", etag = "" } = sample ?? {};
  const status = replicationStatusOf(traits.status ?? undefined);
  const archiveStatus = ARCHIVE_TIERS.get(traits.tier ?? "");
  const access = accessOf(source, traits);
  return {
    bucket: source.name,
    key: sample?.key ?? "",
    versionId,
    isDeleteMarker: traits.marker,
    sizeBytes: sample?.sizeBytes ?? 0,
    etag,
    lastModifiedMs: sample?.lastModifiedMs ?? sinceMs,
    storageClass: traits.storageClass ?? "STANDARD",
    ...(archiveStatus === undefined ? {} : { archiveStatus }),
    encryption: {
      kind: ENCRYPTION_KINDS.find((one) => one === traits.encryption) ?? "NOT-SSE",
      ...(traits.bucketKey === true ? { bucketKey: true } : {}),
    },
    tags: [],
    tagCount: 0,
    partsCount: traits.multipart ? (partsOfEtag(etag) ?? 2) : 1,
    ...(status === undefined ? {} : { replicationStatus: status }),
    ...locksOf(source, traits),
    ...(access === undefined ? {} : { access }),
    replicas: {},
    failures,
  };
}

const ENCRYPTION_KINDS: readonly EncryptionKind[] = ["NOT-SSE", "SSE-S3", "SSE-KMS", "DSSE-KMS", "SSE-C"];

/** Inventories call the tiers by other names than HEAD does. */
const ARCHIVE_TIERS: ReadonlyMap<string, string> = new Map([
  ["ARCHIVE", "ARCHIVE_ACCESS"],
  ["DEEP_ARCHIVE", "DEEP_ARCHIVE_ACCESS"],
]);

function locksOf({ objectLock }: BucketFacts, { retained, held }: Traits): Pick<VersionFacts, "retained" | "held"> {
  if (objectLock.state === "absent") return { retained: false, held: false };
  return { ...(retained === null ? {} : { retained }), ...(held === null ? {} : { held }) };
}

function accessOf({ ownerId }: BucketFacts, { owner, acl }: Traits): AccessFacts | undefined {
  if (owner === null) return undefined;
  const grants = acl === null ? undefined : grantsOf(acl);
  if (grants === undefined) return { ownerId: owner };
  const own = grants.filter((one) => ownerId.state === "read" && one.canonicalId === ownerId.value);
  return {
    ownerId: owner,
    bucketOwnerMay: [...new Set(own.flatMap((one) => PERMISSIONS.find((known) => known === one.permission) ?? []))],
    isPublic: grants.some((one) => /\/groups\/global\/(?:AllUsers|AuthenticatedUsers)$/.test(one.uri ?? "")),
  };
}

const PERMISSIONS = ["FULL_CONTROL", "READ", "READ_ACP", "WRITE", "WRITE_ACP"] as const;

interface InventoryGrant {
  readonly canonicalId?: string;
  readonly uri?: string;
  readonly permission?: string;
}

/** Undefined where it is not available, or no such list. @source aws-replication.md §8.3 */
function grantsOf(acl: string): readonly InventoryGrant[] | undefined {
  try {
    const list = JSON.parse(Buffer.from(acl, "base64").toString()) as { status?: unknown; grants?: unknown } | null;
    return list?.status === "AVAILABLE" && Array.isArray(list.grants)
      ? list.grants.filter((one: unknown): one is InventoryGrant => typeof one === "object" && one !== null)
      : undefined;
  } catch {
    return undefined;
  }
}
