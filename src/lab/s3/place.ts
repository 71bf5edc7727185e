/** Puts a bucket with all its settings into the lab as facts have it. Nobody is asked, and nothing is checked. */
import type { Bucket, BucketSettings } from "./bucket.ts";
import type { S3Service } from "./service.ts";

export interface PlacedBucket {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  readonly versioning: Bucket["versioning"];
  /** A policy that parses, and principals as it names them. */
  readonly settings: BucketSettings;
}

/** Adds the bucket, or gives the one of that name these settings; its versions stay. */
export async function placeBucket(s3: S3Service, placed: PlacedBucket, nowMs: number): Promise<void> {
  const { name, account, region, versioning, settings } = placed;
  const found = s3.buckets.find(name);
  if (found !== undefined) {
    await s3.buckets.update(found, () => ({ versioning, settings }));
    return;
  }
  const id = s3.sequence.next(nowMs);
  await s3.buckets.create({ id, name, account, region, createdMs: nowMs, versioning, settings });
}
