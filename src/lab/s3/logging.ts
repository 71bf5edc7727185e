/**
 * Server access logging as it is set and shown. The logs are written by `access-logs/`.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLogging.html
 */
import type { AclGrant } from "../../core/model.ts";
import { checkGrants } from "./acl-wish.ts";
import type { S3Call } from "./call.ts";
import { invalidArgument, s3Error } from "./errors.ts";
import type { S3Service } from "./service.ts";
import { openSettings } from "./settings.ts";

export interface BucketLogging {
  readonly targetBucket: string;
  /** "" when there is none. */
  readonly targetPrefix: string;
  readonly grants: readonly AclGrant[];
  /** Simple, or partitioned by the date of the events or of the delivery. */
  readonly keyFormat: "simple" | "EventTime" | "DeliveryTime";
  /** Whether the configuration names its format: without one it is simple, and none is shown. */
  readonly showsFormat: boolean;
}

export function getBucketLogging(s3: S3Service, call: S3Call, bucketName: string): BucketLogging | undefined {
  return openSettings(s3, call, "GetBucketLogging", bucketName).settings.logging;
}

/**
 * @param logging undefined ends logging
 * @throws ServiceError InvalidTargetBucketForLogging unless the target is a bucket of the same account and Region
 */
export async function putBucketLogging(
  s3: S3Service,
  call: S3Call,
  bucketName: string,
  logging: BucketLogging | undefined,
): Promise<void> {
  const bucket = openSettings(s3, call, "PutBucketLogging", bucketName);
  if (logging !== undefined) {
    const target = s3.buckets.find(logging.targetBucket);
    if (target === undefined) throw badTarget("The target bucket for logging does not exist", logging);
    if (target.account !== bucket.account) {
      throw badTarget("The owner for the bucket to be logged and the target bucket must be the same", logging);
    }
    if (target.region !== bucket.region) {
      throw s3Error("CrossLocationLoggingProhibitted", { details: { TargetBucketLocation: target.region } });
    }
    checkGrants(logging.grants, s3.identity);
    if (logging.grants.length > 0 && target.ownerEnforced) {
      throw invalidArgument("TargetGrants", "", "TargetGrants are not supported for target buckets with ACLs disabled");
    }
  }
  await s3.buckets.update(bucket, ({ settings: { logging: _before, ...settings } }) => ({
    settings: logging === undefined ? settings : { ...settings, logging },
  }));
}

function badTarget(message: string, { targetBucket }: BucketLogging): Error {
  return s3Error("InvalidTargetBucketForLogging", { message, details: { TargetBucket: targetBucket } });
}
