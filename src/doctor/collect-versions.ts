/**
 * Looks at the versions of a bucket: what they are, what status they show, and what is recorded of them.
 *
 * A listing tells neither status nor encryption, so every object is asked for by HEAD. Delete markers show no status at
 * all: whether they have arrived is asked at the destination.
 */
import { bucketOfArn } from "../core/arn.ts";
import type { RecordedFailure, VersionFacts } from "../core/diagnose/facts.ts";
import type { ReplicationConfiguration, Tag } from "../core/model.ts";
import { replicationStatusOf } from "../core/status.ts";
import { S3Error } from "../s3/errors.ts";
import { sideBySide } from "../s3/side-by-side.ts";
import type { ListedVersion, Store } from "../s3/store.ts";
import type { Surroundings } from "./ports.ts";

/** What is looked at. */
export interface Scope {
  readonly bucket: string;
  readonly prefix?: string;
  /** Exactly this key. */
  readonly key?: string;
}

/** Versions that are asked for side by side. */
const HEADS_AT_ONCE = 32;

export async function collectVersions(
  surroundings: Surroundings,
  store: Store,
  scope: Scope,
  configuration: ReplicationConfiguration | undefined,
  onSeen: (versions: number) => void,
): Promise<VersionFacts[]> {
  const prefix = scope.key ?? scope.prefix;
  const recorded = await recordedFailures(surroundings, scope.bucket, prefix);
  const unseen = new Set(recorded.keys());
  const look = new Look(surroundings, store, scope.bucket, configuration, recorded);
  const versions: VersionFacts[] = [];
  let next: { readonly keyMarker: string; readonly versionIdMarker: string } | undefined;
  do {
    const request = { bucket: scope.bucket, ...(prefix === undefined ? {} : { prefix }), ...next };
    const page = await store.listObjectVersions(request);
    const wanted = scope.key === undefined ? page.versions : page.versions.filter((one) => one.key === scope.key);
    for (const one of page.versions) unseen.delete(nameOf(one.key, one.versionId));
    versions.push(...(await look.all(wanted)));
    onSeen(versions.length);
    next = page.next;
  } while (next !== undefined);
  const lost = [...unseen].map(refOfName).filter((one) => scope.key === undefined || one.key === scope.key);
  versions.push(...(await look.gone(lost)));
  return versions;
}

async function recordedFailures(
  surroundings: Surroundings,
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
  readonly #surroundings: Surroundings;
  readonly #store: Store;
  readonly #bucket: string;
  readonly #configuration: ReplicationConfiguration | undefined;
  readonly #recorded: ReadonlyMap<string, readonly RecordedFailure[]>;
  readonly #destinations = new Map<string, Promise<Store | undefined>>();

  constructor(
    surroundings: Surroundings,
    store: Store,
    bucket: string,
    configuration: ReplicationConfiguration | undefined,
    recorded: ReadonlyMap<string, readonly RecordedFailure[]>,
  ) {
    this.#surroundings = surroundings;
    this.#store = store;
    this.#bucket = bucket;
    this.#configuration = configuration;
    this.#recorded = recorded;
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
        const ref = { bucket: this.#bucket, key, versionId };
        try {
          await this.#store.headObject(ref);
          return undefined;
        } catch (error) {
          if (!(error instanceof S3Error)) throw error;
          if (error.status !== 404) return undefined;
        }
        const failures = this.#recorded.get(nameOf(key, versionId)) ?? [];
        const lastModifiedMs = Math.min(...failures.map((one) => one.firstAttemptAtMs ?? this.#surroundings.clock()));
        return { ...ref, ...GONE, lastModifiedMs, failures };
      },
    );
    return found.filter((one) => one !== undefined);
  }

  async #one(listed: ListedVersion): Promise<VersionFacts | undefined> {
    const failures = this.#recorded.get(nameOf(listed.key, listed.versionId)) ?? [];
    const ref = { bucket: this.#bucket, key: listed.key, versionId: listed.versionId };
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
        encryption: head.encryption,
        tags: tagCount > 0 && this.#tagsDecide() ? await this.#tagsOf(ref) : [],
        tagCount,
        partsCount: Number(/-([0-9]+)$/.exec(head.etag)?.[1] ?? 1),
        ...(status === undefined ? {} : { replicationStatus: status }),
        failures,
        replicas: {},
      };
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      if (error.status === 404 || error.status === 405) return undefined;
      // What may not be read of one version never stops the rest.
      if (error.status === 403) return { ...ref, ...listed, ...UNREAD, failures, unreadable: error.message };
      throw error;
    }
  }

  #tagsDecide(): boolean {
    return this.#configuration?.rules.some((rule) => rule.tags.length > 0) ?? false;
  }

  async #tagsOf(ref: {
    readonly bucket: string;
    readonly key: string;
    readonly versionId: string;
  }): Promise<readonly Tag[]> {
    return await this.#store.getObjectTagging(ref);
  }

  /** 405 says that the marker is there, 404 that it is not; every other answer says nothing. */
  async #replicasOf(listed: ListedVersion): Promise<Record<string, "present" | "absent">> {
    const found: Record<string, "present" | "absent"> = {};
    for (const arn of new Set(this.#configuration?.rules.map((rule) => rule.destination.bucketArn))) {
      const bucket = bucketOfArn(arn);
      const store = bucket === undefined ? undefined : await this.#destination(bucket);
      if (bucket === undefined || store === undefined) continue;
      try {
        await store.headObject({ bucket, key: listed.key, versionId: listed.versionId });
      } catch (error) {
        if (!(error instanceof S3Error)) throw error;
        if (error.status === 405) found[arn] = "present";
        else if (error.status === 404) found[arn] = "absent";
      }
    }
    return found;
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
