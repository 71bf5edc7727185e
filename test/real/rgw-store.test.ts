/** The contract of the Store port, kept by our client and a gateway of Ceph, but for what Ceph 16.2 is known to lack. */
import { storeConformance } from "../conformance/store.ts";
import { startGateways } from "./rgw.ts";

storeConformance(
  "Ceph's gateway, by its profile",
  async () => {
    const gateways = await startGateways();
    const client = gateways.a.client(await gateways.a.createUser("main"));
    await client.createBucket("conform");
    return {
      store: client,
      settings: client,
      bucket: "conform",
      isDisposable: true,
      close: () => gateways.stop(),
    };
  },
  {
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
  },
);
