/**
 * Looks at the versions of a bucket: what they are, what status they show, and what is recorded of them.
 *
 * A listing tells neither status nor encryption, so every object is asked for by HEAD. Delete markers show no status at
 * all: whether they have arrived is asked at the destination, as it is of versions that FAILED and of some that did not.
 */
import { bucketOfArn } from "../core/arn.ts";
import type { AccessFacts, BucketFacts, RecordedFailure, VersionFacts } from "../core/diagnose/facts.ts";
import type { ReplicationConfiguration, ReplicationStatus, VersionRef } from "../core/model.ts";
import { replicationStatusOf } from "../core/status.ts";
import { S3Error } from "../s3/errors.ts";
import { partsOfEtag } from "../s3/etag.ts";
import { sideBySide } from "../s3/side-by-side.ts";
import type { ListedVersion, ObjectHead, Store } from "../s3/store.ts";
import type { Surroundings } from "./ports.ts";
import { isDenied, read, whyUnread } from "./read.ts";

/** What is looked at. */
export interface Scope {
  readonly bucket: string;
  readonly prefix?: string;
  /** Exactly this key. */
  readonly key?: string;
  /** The listing is an excerpt: what is not in it may well be there. */
  readonly isExcerpt?: boolean;
}

/** Versions that are asked for side by side. */
const HEADS_AT_ONCE = 32;

type Around = Pick<Surroundings, "bucket" | "records" | "clock">;
type Asked = Pick<Store, "listObjectVersions" | "headObject" | "getObjectTagging" | "getObjectAcl">;

/** What decides what is asked of a version besides what it is. */
export interface Looked {
  readonly scope: Scope;
  readonly configuration: ReplicationConfiguration | undefined;
  readonly source: BucketFacts;
  /** By bucket ARN. */
  readonly destinations: Readonly<Record<string, BucketFacts>>;
  /** Gets what was not read and says nothing of a version alone. */
  readonly unread: Set<string>;
}

/** Of a whole bucket's versions that are said to have arrived, so many are looked for at their destinations. */
const SAMPLED_MAX = 200;

/** Looks at the versions in the order of the listing, a page of it at a time; versions that are gone come last. */
export async function* versionPages(
  surroundings: Around,
  store: Asked,
  looked: Looked,
): AsyncGenerator<readonly VersionFacts[]> {
  const { scope } = looked;
  const prefix = scope.key ?? scope.prefix;
  const recorded = await recordedFailures(surroundings, scope.bucket, prefix);
  const unseen = new Set(recorded.keys());
  const look = new Look(surroundings, store, looked, recorded);
  let next: { readonly keyMarker: string; readonly versionIdMarker: string } | undefined;
  do {
    const request = { bucket: scope.bucket, ...(prefix === undefined ? {} : { prefix }), ...next };
    const page = await store.listObjectVersions(request);
    const wanted = scope.key === undefined ? page.versions : page.versions.filter((one) => one.key === scope.key);
    for (const one of page.versions) unseen.delete(nameOf(one.key, one.versionId));
    yield await look.all(wanted);
    next = page.next;
  } while (next !== undefined);
  const lost = [...unseen].map(refOfName).filter((one) => scope.key === undefined || one.key === scope.key);
  let isListingTrusted = false;
  for (let from = 0; from < lost.length; from += LOST_AT_ONCE) {
    const page = lost.slice(from, from + LOST_AT_ONCE);
    const gone: readonly VersionFacts[] = isListingTrusted
      ? page.map((one) => look.recordedAsGone(one))
      : await look.gone(page);
    isListingTrusted ||= gone.length === LOST_AT_ONCE && scope.isExcerpt !== true;
    yield gone;
  }
}

/**
 * Versions on record that are not in the listing, a page of them. The record was read before the listing was begun: where the
 * store says of a whole page that they are gone, the listing is right of the others, too.
 */
const LOST_AT_ONCE = 1000;

async function recordedFailures(
  surroundings: Around,
  bucket: string,
  prefix: string | undefined,
): Promise<ReadonlyMap<string, RecordedFailure[]>> {
  const found = new Map<string, RecordedFailure[]>();
  if (surroundings.records === undefined) return found;
  for await (const page of surroundings.records.failures(bucket, prefix)) {
    for (const { key, versionId, ...failure } of page) {
      const name = nameOf(key, versionId);
      const held = found.get(name);
      if (held === undefined) found.set(name, [failure]);
      else held.push(failure);
    }
  }
  return found;
}

function nameOf(key: string, versionId: string): string {
  return `${versionId}/${key}`;
}

function refOfName(name: string): { readonly key: string; readonly versionId: string } {
  const slash = name.indexOf("/");
  return { key: name.slice(slash + 1), versionId: name.slice(0, slash) };
}

/** Looks at listed versions, several at once. */
class Look {
  readonly #surroundings: Around;
  readonly #store: Asked;
  readonly #looked: Looked;
  readonly #recorded: ReadonlyMap<string, readonly RecordedFailure[]>;
  readonly #destinations = new Map<string, Promise<Store | undefined>>();
  /** ARNs of destinations that gave no answer. */
  readonly #silent = new Set<string>();
  #samplesLeft: number;

  constructor(
    surroundings: Around,
    store: Asked,
    looked: Looked,
    recorded: ReadonlyMap<string, readonly RecordedFailure[]>,
  ) {
    this.#surroundings = surroundings;
    this.#store = store;
    this.#looked = looked;
    this.#recorded = recorded;
    this.#samplesLeft = looked.scope.key === undefined ? SAMPLED_MAX : Number.POSITIVE_INFINITY;
  }

  /** In the order given; versions that are gone meanwhile are left out. */
  async all(listed: readonly ListedVersion[]): Promise<VersionFacts[]> {
    const found = await sideBySide(listed, HEADS_AT_ONCE, (one) => this.#one(one));
    return found.filter((one) => one !== undefined);
  }

  /** Of versions that have a record and were not listed those that are not there any more. */
  async gone(refs: readonly { readonly key: string; readonly versionId: string }[]): Promise<VersionFacts[]> {
    const found = await sideBySide(
      refs,
      HEADS_AT_ONCE,
      async ({ key, versionId }): Promise<VersionFacts | undefined> => {
        const ref = { bucket: this.#looked.scope.bucket, key, versionId };
        try {
          await this.#store.headObject(ref);
          return undefined;
        } catch (error) {
          if (!(error instanceof S3Error)) throw error;
          if (error.status !== 404) return undefined;
        }
        return this.recordedAsGone(ref);
      },
    );
    return found.filter((one) => one !== undefined);
  }

  /** What the record knows of a version that is not there. */
  recordedAsGone({ key, versionId }: { readonly key: string; readonly versionId: string }): VersionFacts {
    const ref = { bucket: this.#looked.scope.bucket, key, versionId };
    const failures = this.#recorded.get(nameOf(key, versionId)) ?? [];
    const lastModifiedMs = Math.min(...failures.map((one) => one.firstAttemptAtMs ?? this.#surroundings.clock()));
    return { ...ref, ...GONE, lastModifiedMs, failures };
  }

  async #one({ ownerId, ...listed }: ListedVersion): Promise<VersionFacts | undefined> {
    const failures = this.#recorded.get(nameOf(listed.key, listed.versionId)) ?? [];
    const ref = { bucket: this.#looked.scope.bucket, key: listed.key, versionId: listed.versionId };
    if (listed.isDeleteMarker) {
      const replicas = await this.#replicasOf(listed);
      return { ...ref, ...listed, ...MARKER, failures, replicas };
    }
    try {
      const head = await this.#store.headObject({ ...ref, checksums: false });
      const tagCount = head.tagCount ?? 0;
      const status = replicationStatusOf(head.replicationStatus);
      return {
        ...ref,
        isDeleteMarker: false,
        sizeBytes: head.sizeBytes,
        etag: head.etag,
        lastModifiedMs: head.lastModifiedMs,
        storageClass: head.storageClass,
        ...(head.archiveStatus === undefined ? {} : { archiveStatus: head.archiveStatus }),
        encryption: head.encryption,
        tags: tagCount > 0 && this.#tagsDecide() ? await this.#store.getObjectTagging(ref) : [],
        tagCount,
        partsCount: partsOfEtag(head.etag) ?? 1,
        ...(status === undefined ? {} : { replicationStatus: status }),
        ...locksOf(head, this.#looked.source),
        ...(isOpen(status) ? await this.#accessOf(ref, ownerId) : {}),
        failures,
        replicas: this.#isLookedFor(status) ? await this.#replicasOf(listed) : {},
      };
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      if (error.status === 404 || error.status === 405) return undefined;
      // What may not be read of one version never stops the rest.
      if (error.status === 400) return await this.#sealed(listed, failures, SEALED);
      if (error.status !== 403) throw error;
      const access = this.#writersOwn() && ownerId !== undefined ? { access: { ownerId } } : {};
      return { ...ref, ...listed, ...UNREAD, ...access, failures, unreadable: whyUnreadVersion(error) };
    }
  }

  /** Without the customer's key a HEAD of an SSE-C version answers 400: only whether it has arrived can be seen. */
  async #sealed(
    listed: Omit<ListedVersion, "ownerId">,
    failures: readonly RecordedFailure[],
    unreadable: string,
  ): Promise<VersionFacts> {
    const replicas = await this.#replicasOf(listed);
    const { bucket } = this.#looked.scope;
    const sealed = { encryption: { kind: "SSE-C" as const }, partsCount: partsOfEtag(listed.etag) ?? 1 };
    return { bucket, ...listed, ...UNREAD, ...sealed, failures, replicas, unreadable };
  }

  /** Notes that something of many versions may not be read, once for each reason. */
  #denied(what: string): (because: string) => void {
    return (because) => this.#looked.unread.add(`${what}: ${because}`);
  }

  #tagsDecide(): boolean {
    return this.#looked.configuration?.rules.some((rule) => rule.tags.length > 0) ?? false;
  }

  /** FAILED does not say that the replica is missing, and COMPLETED not that it is still there. */
  #isLookedFor(status: ReplicationStatus | undefined): boolean {
    if (status === "FAILED") return true;
    if ((status !== "COMPLETED" && status !== "REPLICA") || this.#samplesLeft <= 0) return false;
    this.#samplesLeft -= 1;
    return true;
  }

  /** Whether objects may belong to others than the bucket's owner. */
  #writersOwn(): boolean {
    const { ownership } = this.#looked.source;
    return ownership.state === "absent" || (ownership.state === "read" && ownership.value !== "BucketOwnerEnforced");
  }

  async #accessOf(ref: VersionRef, listedOwnerId: string | undefined): Promise<{ readonly access?: AccessFacts }> {
    if (!this.#writersOwn()) return {};
    const acl = await read(() => this.#store.getObjectAcl(ref), undefined, this.#denied("access control lists"));
    if (acl.state !== "read") return listedOwnerId === undefined ? {} : { access: { ownerId: listedOwnerId } };
    const { ownerId, grants } = acl.value;
    const { ownerId: bucketOwner } = this.#looked.source;
    const own = grants.filter(
      ({ grantee }) => grantee.kind === "user" && bucketOwner.state === "read" && grantee.id === bucketOwner.value,
    );
    return {
      access: {
        ownerId,
        bucketOwnerMay: [...new Set(own.map((one) => one.permission))],
        isPublic: grants.some(({ grantee }) => grantee.kind === "group" && PUBLIC_GROUPS.test(grantee.uri)),
      },
    };
  }

  /**
   * Which destinations hold the version. Only a definite 404 is absence, and only when the key's current version there
   * is another object too: some stores give replicas ids of their own.
   */
  async #replicasOf(listed: Omit<ListedVersion, "ownerId">): Promise<Record<string, "present" | "absent">> {
    const found: Record<string, "present" | "absent"> = {};
    for (const arn of new Set(this.#looked.configuration?.rules.map((rule) => rule.destination.bucketArn))) {
      const bucket = bucketOfArn(arn);
      const store = bucket === undefined ? undefined : await this.#destination(bucket);
      if (bucket === undefined || store === undefined) continue;
      const ref = { bucket, key: listed.key, versionId: listed.versionId };
      const onDenied = this.#denied(`replicas in ${bucket}`);
      const there = this.#silent.has(arn) ? "silent" : await lookFor(store, ref, listed.isDeleteMarker, onDenied);
      // A destination that does not answer is not asked for every version.
      if (there === "silent") this.#silent.add(arn);
      if (there === "silent" || there === undefined) continue;
      if (
        there === "absent" &&
        listed.isDeleteMarker &&
        listed.isLatest &&
        (await isDeletedThere(store, bucket, listed))
      ) {
        found[arn] = "present";
        continue;
      }
      if (
        there === "absent" &&
        !listed.isDeleteMarker &&
        (await this.#isThereByContent(store, bucket, listed)) !== false
      )
        continue;
      found[arn] = there;
    }
    return found;
  }

  /** Undefined where that may not be looked at. */
  async #isThereByContent(
    store: Asked,
    bucket: string,
    listed: Omit<ListedVersion, "ownerId">,
  ): Promise<boolean | undefined> {
    try {
      const current = await store.headObject({ bucket, key: listed.key, checksums: false });
      return current.etag === listed.etag && current.sizeBytes === listed.sizeBytes;
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      if (!isDenied(error)) return false;
      this.#denied(`replicas in ${bucket}`)(DENIED_CURRENT_HEAD);
      return undefined;
    }
  }

  async #destination(bucket: string): Promise<Store | undefined> {
    let store = this.#destinations.get(bucket);
    if (store === undefined) {
      store = this.#surroundings.bucket(bucket).then(
        (access) => access.store,
        (error: unknown) => {
          if (error instanceof S3Error) return undefined;
          throw error;
        },
      );
      this.#destinations.set(bucket, store);
    }
    return await store;
  }
}

/** 405 says that a marker is there, 400 that an SSE-C object is, 404 that nothing is; others say nothing of the version. */
async function lookFor(
  store: Asked,
  ref: VersionRef,
  isMarker: boolean,
  onDenied: (because: string) => void,
): Promise<"present" | "absent" | "silent" | undefined> {
  try {
    await store.headObject({ ...ref, checksums: false });
    return isMarker ? undefined : "present";
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    if (error.status === undefined) return "silent";
    if (error.status === 405) return isMarker ? "present" : undefined;
    // An SSE-C replica shows itself to nobody without the key, but is there.
    if (error.status === 400 && !isMarker) return "present";
    if (isDenied(error)) onDenied(DENIED_HEAD);
    // A bucket that is gone is another matter, and a HEAD's 404 does not tell which of the two it is.
    return error.status === 404 ? "absent" : undefined;
  }
}

/** Lifecycle, or a store with ids of its own, has put another marker there: the object is deleted on both sides. */
async function isDeletedThere(store: Store, bucket: string, { key }: { readonly key: string }): Promise<boolean> {
  try {
    await store.headObject({ bucket, key, checksums: false });
    return false;
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    return error.fields.isDeleteMarker === true;
  }
}

/** Versions that somebody will ask about: not those that have arrived. */
function isOpen(status: ReplicationStatus | undefined): boolean {
  return status === undefined || status === "FAILED" || status === "PENDING";
}

/** A HEAD shows locks only to those who may see them, and no bucket without Object Lock has any. */
function locksOf(head: ObjectHead, source: BucketFacts): Pick<VersionFacts, "retained" | "held"> {
  if (source.objectLock.state === "absent") return { retained: false, held: false };
  return {
    ...(head.retention === undefined ? {} : { retained: true }),
    ...(head.legalHold === undefined ? {} : { held: head.legalHold }),
  };
}

/** In the same words for every version: what a store says of one names it, and no two would be alike. */
function whyUnreadVersion(error: S3Error): string {
  return isDenied(error) ? whyUnread(error) : `not readable: ${error.code ?? String(error.status)}`;
}

/** Those who may not list are told 403 of what is not there, too. */
const DENIED_HEAD = "not readable: s3:GetObjectVersion or s3:ListBucket denied";
const DENIED_CURRENT_HEAD = "not readable: s3:GetObject or s3:ListBucket denied";

/** A HEAD's bare 400 is S3's answer to who looks at such an object without its key. */
const SEALED = "not readable: a customer's key (SSE-C) is needed to look at it";

const PUBLIC_GROUPS = /\/groups\/global\/(?:AllUsers|AuthenticatedUsers)$/;

/** Of a version that may be listed and not read. */
const UNREAD = { encryption: { kind: "NOT-SSE" }, tags: [], tagCount: 0, partsCount: 1, replicas: {} } as const;

/** Of a version that is not there any more. */
const GONE = {
  ...UNREAD,
  gone: true,
  isDeleteMarker: false,
  sizeBytes: 0,
  etag: "",
  storageClass: "STANDARD",
} as const;

const MARKER = {
  isDeleteMarker: true,
  sizeBytes: 0,
  etag: "",
  encryption: { kind: "NOT-SSE" },
  tags: [],
  tagCount: 0,
  partsCount: 1,
} as const;
