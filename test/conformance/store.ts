/**
 * The contract of the Store port as tests: what `src/s3/store.ts` promises in prose, every implementation passes here.
 *
 * Implementations register themselves in a `*.test.ts` of their own. What a real store is known not to do stands in its
 * capabilities, so that a difference is written down and not worked around.
 */
import { after, before, describe } from "node:test";
import type { BucketSettings } from "../../src/s3/settings.ts";
import type { Store } from "../../src/s3/store.ts";
import { copyTests } from "./store-copies.ts";
import { listingTests } from "./store-listings.ts";
import { lockTests } from "./store-locks.ts";
import { objectTests } from "./store-objects.ts";
import { Subject } from "./store-subject.ts";
import { uploadTests } from "./store-uploads.ts";
import { versionTests } from "./store-versions.ts";

/** A store to be tested. */
export interface StoreUnderTest {
  readonly store: Store;
  readonly settings: BucketSettings;
  /** The same store in the name of the service that replicates, where only that one may say what a replica is. */
  readonly replicator?: Store;
  /** Exists and is empty. The suite enables versioning in it, and makes `BUCKET-plain` and `BUCKET-lock` beside it. */
  readonly bucket: string;
  /** The store ends with the suite, and what it holds with it. */
  readonly isDisposable?: boolean;
  close(): Promise<void>;
}

/** What a store does of that which S3 does. All of it by default. */
export interface StoreCapabilities {
  /** Takes version id and date from `ReplicaIdentity`. The lab does, and MinIO of UUIDs. */
  readonly replicaIdentity: boolean;
  /** Refuses bytes that do not match a checksum, keeps checksums and tells them. */
  readonly verifiesChecksums: boolean;
  /** Tells delete markers: 405 for one by its id, and the header. Otherwise both are a bare 404. */
  readonly tellsDeleteMarkers: boolean;
  /** Reads single parts of a multipart object. */
  readonly readsParts: boolean;
  /** Answers CompleteMultipartUpload with the object's ETag. */
  readonly completeTellsEtag: boolean;
  /** Keeps the tags that CreateMultipartUpload brings. */
  readonly tagsUploads: boolean;
  /** Says NoSuchVersion for a version that is missing, and NoSuchUpload when a lost upload is completed or listed. */
  readonly namesWhatIsMissing: boolean;
  /** Encrypts with SSE-S3 when it is asked to, and says so. */
  readonly encrypts: boolean;
  /** Keeps access control lists in the bucket under test, as ACLs are enabled there. */
  readonly keepsAcls: boolean;
  /** Protects versions by retention and legal hold, in a bucket that was created for it. */
  readonly objectLock: boolean;
  /** Ends a retention in GOVERNANCE mode for who may bypass it, and not only by removing the version. */
  readonly endsRetention: boolean;
  /** Lets the caller bypass GOVERNANCE to remove a version. */
  readonly bypassesOnDelete: boolean;
  /** Protects the version that comes of an upload as CreateMultipartUpload said. */
  readonly locksUploads: boolean;
  /** Heeds `If-None-Match: *` on a write. */
  readonly conditionalPut: boolean;
  /** Heeds `x-amz-copy-source-if-match`. */
  readonly conditionalCopy: boolean;
  /** Keeps the tags that CopyObject brings. */
  readonly tagsCopies: boolean;
  /** Answers CopyObject with the version id of the copy. */
  readonly copyTellsVersion: boolean;
}

const ALL: StoreCapabilities = {
  replicaIdentity: true,
  verifiesChecksums: true,
  tellsDeleteMarkers: true,
  readsParts: true,
  completeTellsEtag: true,
  tagsUploads: true,
  namesWhatIsMissing: true,
  encrypts: true,
  keepsAcls: true,
  objectLock: true,
  endsRetention: true,
  bypassesOnDelete: true,
  locksUploads: true,
  conditionalPut: true,
  conditionalCopy: true,
  tagsCopies: true,
  copyTellsVersion: true,
};

/**
 * Registers the suite for one implementation.
 *
 * @param make called once, before the first test
 */
export function storeConformance(
  name: string,
  make: () => Promise<StoreUnderTest>,
  capabilities: Partial<StoreCapabilities> = {},
): void {
  const can = { ...ALL, ...capabilities };
  describe(`${name} keeps the Store contract`, () => {
    const subject = new Subject();
    before(async () => {
      const made = await make();
      await subject.begin(made, can);
    });
    after(() => subject.end());

    describe("objects", () => objectTests(subject, can));
    describe("versions, markers, tags", () => versionTests(subject, can));
    describe("retention and legal hold", () => lockTests(subject, can));
    describe("multipart uploads", () => uploadTests(subject, can));
    describe("parts and copies", () => copyTests(subject, can));
    describe("listings", () => listingTests(subject));
  });
}
