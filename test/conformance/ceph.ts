/** What a gateway of Ceph 16.2 does not do of the Store contract: found at the real one, and so at the lab's likeness of it. */
import type { StoreCapabilities } from "./store.ts";

export const CEPH: Partial<StoreCapabilities> = {
  // It gives ids of its own; nothing in a request changes that outside its own multisite.
  replicaIdentity: false,
  // x-amz-checksum-* is accepted and forgotten.
  verifiesChecksums: false,
  // A marker by its id is a bare 404, and no answer says x-amz-delete-marker.
  tellsDeleteMarkers: false,
  // ?partNumber= is ignored.
  readsParts: false,
  // The answer's ETag is empty; the object's is right.
  completeTellsEtag: false,
  // A version that is missing is NoSuchKey.
  namesWhatIsMissing: false,
  // Of the tags that CreateMultipartUpload brings it keeps something that it cannot read: a tag count of 0, and an empty
  // body for GetObjectTagging.
  tagsUploads: false,
  // The lock that CreateMultipartUpload brings is forgotten.
  locksUploads: false,
  // An empty retention is MalformedXML: a retention can only be changed, or bypassed to remove the version.
  endsRetention: false,
  // If-None-Match on a write is ignored.
  conditionalPut: false,
  // x-amz-copy-source-if-match likewise.
  conditionalCopy: false,
  // CopyObject loses tags as CreateMultipartUpload does, and answers without x-amz-version-id.
  tagsCopies: false,
  copyTellsVersion: false,
  // SSE-S3 is ignored, and nothing says so.
  encrypts: false,
};
