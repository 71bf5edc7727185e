/** The lab's own calls on what is in a bucket: quotas, and versions as time or somebody's hand left them. */
import { z } from "zod";
import { requireBucket } from "../s3/access.ts";
import { archiveVersion } from "../s3/archive.ts";
import { changeVersion, damageVersion, forgetEncryption } from "../s3/damage.ts";
import { expireObject } from "../s3/lifecycle.ts";
import type { S3Service } from "../s3/service.ts";
import type { Route } from "./route.ts";

const limit = z.int().min(0).nullish();
const quota = z.strictObject({ bytes: limit, objects: limit });
const version = { key: z.string().min(1), versionId: z.string().optional() };
const expiry = z.strictObject({ key: z.string().min(1) });
const damage = z.strictObject({ ...version, how: z.enum(["unreadable", "altered"]).default("unreadable") });
const choice = z.strictObject(version);
const archive = z.strictObject({ ...version, status: z.enum(["ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS"]).nullable() });

export const BUCKET_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: /^buckets\/([^/]+)\/expire$/,
    async run({ s3, clock }, [bucket = ""], body) {
      const { key } = expiry.parse(body);
      const { versionId, isMarker } = await expireObject(s3, { bucket, key }, clock());
      return { bucket, key, isDeleteMarker: isMarker, ...some("versionId", versionId) };
    },
  },
  { method: "GET", path: /^buckets\/([^/]+)\/quota$/, run: ({ s3 }, [name = ""]) => showQuota(s3, name) },
  {
    method: "PUT",
    path: /^buckets\/([^/]+)\/quota$/,
    async run({ s3 }, [name = ""], body) {
      const { bytes, objects } = quota.parse(body);
      await s3.quotas.set(requireBucket(s3, name), { ...some("bytes", bytes), ...some("objects", objects) });
      return showQuota(s3, name);
    },
  },
  {
    method: "POST",
    path: /^buckets\/([^/]+)\/damage$/,
    async run({ s3 }, [bucket = ""], body) {
      const { how, ...wanted } = damage.parse(body);
      await damageVersion(s3, chosen(bucket, wanted), how);
      return {};
    },
  },
  {
    method: "POST",
    path: /^buckets\/([^/]+)\/plaintext$/,
    async run({ s3 }, [bucket = ""], body) {
      await changeVersion(s3, chosen(bucket, choice.parse(body)), forgetEncryption);
      return {};
    },
  },
  {
    method: "PUT",
    path: /^buckets\/([^/]+)\/archive$/,
    async run({ s3 }, [bucket = ""], body) {
      const { status, ...wanted } = archive.parse(body);
      await changeVersion(s3, chosen(bucket, wanted), (one) => archiveVersion(one, status ?? undefined));
      return {};
    },
  },
];

function showQuota(s3: S3Service, name: string) {
  const bucket = requireBucket(s3, name);
  const { bytes = null, objects = null } = s3.quotas.of(bucket) ?? {};
  return { quota: { bytes, objects }, usage: s3.quotas.usage(bucket) };
}

function chosen(bucket: string, { key, versionId }: z.infer<typeof choice>) {
  return { bucket, key, ...some("versionId", versionId) };
}

function some<Name extends string, Value>(name: Name, value: Value | null | undefined): { [One in Name]?: Value } {
  return (value === undefined || value === null ? {} : { [name]: value }) as { [One in Name]?: Value };
}
