/** PutBucketNotificationConfiguration and its GET. The destinations are asked, and get a test event. */
import { bucketArn, parseArn } from "../../core/arn.ts";
import type { Bucket } from "./bucket.ts";
import type { S3Call } from "./call.ts";
import { s3Error } from "./errors.ts";
import { checkRoutes, type NotificationConfiguration } from "./events/configuration.ts";
import { addTestEvent, announceEvents, originOf } from "./events/outbox.ts";
import { isWebhook } from "./events/webhooks.ts";
import type { S3Service } from "./service.ts";
import { openSettings } from "./settings.ts";

const NONE: NotificationConfiguration = { queues: [], eventBridge: false };

export function getBucketNotification(s3: S3Service, call: S3Call, bucketName: string): NotificationConfiguration {
  return openSettings(s3, call, "GetBucketNotificationConfiguration", bucketName).settings.notification ?? NONE;
}

/**
 * Replaces the whole configuration; an empty one ends notifications.
 *
 * @param options.otherTargets topics and functions, which cannot be reached here
 * @param options.skipsValidation the destinations are not asked
 * @throws ServiceError InvalidArgument
 */
export async function putBucketNotification(
  s3: S3Service,
  call: S3Call,
  bucketName: string,
  configuration: NotificationConfiguration,
  options: { readonly otherTargets: readonly string[]; readonly skipsValidation: boolean },
): Promise<void> {
  const bucket = openSettings(s3, call, "PutBucketNotificationConfiguration", bucketName);
  const { queues, eventBridge } = configuration;
  checkRoutes(queues);
  const refusals = options.otherTargets.map((arn): Refusal => [arn, "The lab has no topics and no functions"]);
  const targets = new Set(queues.map(({ targetArn }) => targetArn));
  for (const arn of targets) {
    const why = checkedTarget(s3, bucket, arn);
    if (why !== undefined && !options.skipsValidation) refusals.push([arn, why]);
  }
  if (refusals.length > 0) throw unreachableTargets(refusals);
  const isEmpty = queues.length === 0 && !eventBridge;
  const updated = await s3.buckets.update(bucket, ({ settings: { notification: _before, ...settings } }) => ({
    settings: isEmpty ? settings : { ...settings, notification: configuration },
  }));
  if (targets.size === 0) return;
  await s3.database.write((connection) => {
    for (const arn of targets) addTestEvent(connection, updated, arn, originOf(call));
  });
  announceEvents(s3, updated);
}

/** Why nothing can be sent there; undefined when it can. @throws ServiceError InvalidArgument for what is no target */
function checkedTarget(s3: S3Service, bucket: Bucket, arn: string): string | undefined {
  if (isWebhook(arn)) return s3.webhooks.has(arn) ? undefined : "The destination webhook does not exist";
  const parsed = parseArn(arn);
  if (parsed?.service !== "sqs") throw s3Error("InvalidArgument", { message: "The ARN is not well formed" });
  if (parsed.region !== bucket.region) {
    throw s3Error("InvalidArgument", {
      message: "The notification destination service region is not valid for the bucket location constraint",
    });
  }
  return s3.queues.refusalOf(arn, { bucketArn: bucketArn(bucket.name), account: bucket.account });
}

type Refusal = readonly [arn: string, why: string];

function unreachableTargets(refusals: readonly Refusal[]): Error {
  const details: Record<string, string> = {};
  refusals.forEach(([arn, why], index) => {
    details[`ArgumentName${index + 1}`] = arn;
    details[`ArgumentValue${index + 1}`] = why;
  });
  const message = "Unable to validate the following destination configurations";
  return s3Error("InvalidArgument", { message, details });
}
