/** Refusals of CloudTrail. @source AWS CloudTrail API Reference; botocore's model of 2013-11-01 */
import { ServiceError } from "../model.ts";

const STATUS: Readonly<Record<string, number>> = {
  InsufficientS3BucketPolicyException: 403,
  S3BucketDoesNotExistException: 404,
  TrailNotFoundException: 404,
};

export function cloudTrailError(code: string, message: string): ServiceError {
  return new ServiceError(code, STATUS[code] ?? 400, message);
}

export function trailNotFound(name: string, account: string): ServiceError {
  return cloudTrailError("TrailNotFoundException", `Unknown trail: ${name} for the user: ${account}`);
}
