/** Which of a store's capabilities steer the engine, and how. What is not read here is `INFORMATIONAL`. */
import type { Capabilities } from "../s3/capabilities.ts";
import type { BucketTraits } from "./ports.ts";

/** The traits of a bucket that follow from what its store can do, where the bucket itself has not been asked. */
export function traitsOfStore(can: Capabilities): BucketTraits {
  return {
    keepsUuids: can.versionIds === "kept",
    takesUploads: can.multipart,
    readsParts: can.readsParts,
    tagsOnUploads: can.tagsOnUploads,
    locksOnUploads: can.locksOnUploads,
    etagIsMd5: can.etagIsMd5,
    multipartEtag: can.multipartEtag,
    md5Verified: can.md5Verified,
    checksumsVerified: can.checksumsVerified,
    conditionalPut: can.conditionalPut,
    storageClasses: can.storageClasses,
    hidesMarkers: can.markerHead === 404,
  };
}
