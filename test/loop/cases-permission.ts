/** Cases of what the role may not do: trust, source, destination. Each is one API call that takes a permission away. */
import type { FailureCode } from "../../src/core/failures/catalogue.ts";
import type { LoopCase } from "./case.ts";
import { anotherLab } from "./disturbances.ts";
import { publish } from "./objects.ts";
import { policy } from "./policies.ts";
import type { Standard } from "./standard.ts";
import { SOURCE } from "./world.ts";

const PROVEN = { class: "permission", confidence: "proven" } as const;
const PATCH = { by: "patch" } as const;

function revoked(action: string): (set: Standard) => Promise<void> {
  return (set) => set.revoke(action);
}

export const PERMISSION_CASES = {
  AssumeRoleNotPermitted: {
    name: "the role's trust policy names another service",
    kinds: ["plain", "kms", "marker"],
    breakIt: (set) =>
      set.putTrust(policy({ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" })),
    expect: { ...PROVEN, action: "sts:AssumeRole", affected: 4 },
    mend: PATCH,
  },
  SrcGetObjectNotPermitted: {
    name: "the role may not kms:Decrypt under the source's key",
    kinds: ["plain", "kms", "bucketKey"],
    breakIt: (set) => set.revokeKeyUse("source", "kms:Decrypt"),
    expect: { ...PROVEN, action: "kms:Decrypt", affected: 2 },
    mend: PATCH,
  },
  SrcHeadObjectNotPermitted: {
    name: "the role may not list the source, and so not see its delete markers",
    kinds: ["plain", "marker"],
    breakIt: revoked("s3:ListBucket"),
    expect: { ...PROVEN, action: "s3:ListBucket", affected: 1 },
    mend: PATCH,
  },
  SrcGetAclNotPermitted: {
    name: "the role may not read access control lists",
    kinds: ["plain", "tagged", "marker"],
    breakIt: revoked("s3:GetObjectVersionAcl"),
    expect: { ...PROVEN, action: "s3:GetObjectVersionAcl", affected: 3 },
    mend: PATCH,
  },
  SrcGetTaggingNotPermitted: {
    name: "the role may not read tags",
    kinds: ["plain", "tagged"],
    breakIt: revoked("s3:GetObjectVersionTagging"),
    expect: { ...PROVEN, action: "s3:GetObjectVersionTagging", affected: 1 },
    mend: PATCH,
  },
  DstPutObjectNotPermitted: {
    name: "the role may not write replicas",
    kinds: ["plain", "tagged", "kms", "bucketKey"],
    breakIt: revoked("s3:ReplicateObject"),
    expect: { ...PROVEN, action: "s3:ReplicateObject", affected: 4 },
    mend: PATCH,
  },
  DstDelObjNotPermitted: {
    name: "the role may not write delete markers",
    kinds: ["plain", "marker"],
    breakIt: revoked("s3:ReplicateDelete"),
    expect: { ...PROVEN, action: "s3:ReplicateDelete", affected: 1 },
    mend: PATCH,
  },
  DstPutTaggingNotPermitted: {
    name: "the role may not write tags: the replica is there without them",
    kinds: ["plain", "tagged"],
    breakIt: revoked("s3:ReplicateTags"),
    expect: { ...PROVEN, action: "s3:ReplicateTags", affected: 1 },
    mend: PATCH,
  },
  DstMultipartInitNotPermitted: {
    name: "the role may not write replicas, and the object has parts",
    kinds: ["multipart"],
    breakIt: revoked("s3:ReplicateObject"),
    expect: { ...PROVEN, action: "s3:ReplicateObject", affected: 1 },
    mend: PATCH,
  },
  DstMultipartUploadNotPermitted: {
    name: "the permission to write replicas goes while an upload is under way",
    kinds: ["multipart"],
    breakIt: async (set) => set.world.sites.before("destination", "uploadPart", () => set.revoke("s3:ReplicateObject")),
    expect: { ...PROVEN, action: "s3:ReplicateObject", affected: 1 },
    mend: PATCH,
  },
  DstMultipartCompleteNotPermitted: {
    name: "the permission to write replicas goes before an upload is completed",
    kinds: ["multipart"],
    breakIt: async (set) =>
      set.world.sites.before("destination", "completeMultipartUpload", () => set.revoke("s3:ReplicateObject")),
    expect: { ...PROVEN, action: "s3:ReplicateObject", affected: 1 },
    mend: PATCH,
  },
  DstPutAclNotPermitted: {
    name: "an object is public, and the destination blocks public lists",
    set: { sameAccount: true },
    kinds: ["plain"],
    breakIt: publish,
    expect: { ...PROVEN, affected: 1, says: /BlockPublicAcls refuses/ },
    mend: {
      by: "design",
      // The change of the list is replicated, and with it what failed.
      wayOut: async ({ source }) =>
        void (await source.s3.putObjectAcl({ Bucket: SOURCE, Key: "public", ACL: "private" })),
    },
  },
  CredentialsInvalid: {
    name: "the destination's address is that of a store which knows nothing of the role",
    kinds: ["plain"],
    breakIt: async ({ world }) => world.sites.leadTo({ endpoint: await anotherLab(world) }),
    expect: { ...PROVEN, affected: 1, says: /InvalidAccessKeyId/ },
    mend: { by: "decision", person: async (set) => set.world.sites.leadTo(undefined) },
  },
} as const satisfies Partial<Record<FailureCode, LoopCase>>;
