/**
 * Requester Pays, as it is set and shown. Whom such a bucket serves is decided where everything is authorised
 * (`access.ts`); nobody is billed here.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html
 */
import type { S3Call } from "./call.ts";
import type { S3Service } from "./service.ts";
import { openSettings } from "./settings.ts";

export const PAYERS = ["BucketOwner", "Requester"] as const;
export type Payer = (typeof PAYERS)[number];

export function getBucketRequestPayment(s3: S3Service, call: S3Call, bucketName: string): Payer {
  const { settings } = openSettings(s3, call, "GetBucketRequestPayment", bucketName);
  return settings.requesterPays === true ? "Requester" : "BucketOwner";
}

export async function putBucketRequestPayment(
  s3: S3Service,
  call: S3Call,
  bucketName: string,
  payer: Payer,
): Promise<void> {
  const bucket = openSettings(s3, call, "PutBucketRequestPayment", bucketName);
  await s3.buckets.update(bucket, ({ settings: { requesterPays: _before, ...settings } }) => ({
    settings: payer === "Requester" ? { ...settings, requesterPays: true } : settings,
  }));
}
