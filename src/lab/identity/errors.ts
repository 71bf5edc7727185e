/** Refusals of IAM and STS, in AWS's words. @source aws-replication.md §12.3 */
import { ServiceError } from "../model.ts";

export function validationError(message: string): ServiceError {
  return new ServiceError("ValidationError", 400, message);
}

export function noSuchEntity(message: string): ServiceError {
  return new ServiceError("NoSuchEntity", 404, message);
}

export function alreadyExists(message: string): ServiceError {
  return new ServiceError("EntityAlreadyExists", 409, message);
}

export function deleteConflict(message: string): ServiceError {
  return new ServiceError("DeleteConflict", 409, message);
}

export function limitExceeded(message: string): ServiceError {
  return new ServiceError("LimitExceeded", 409, message);
}

/** A full quota, such as `AccessKeysPerUser`. */
export function quotaExceeded(quota: string, max: number): ServiceError {
  return limitExceeded(`Cannot exceed quota for ${quota}: ${max}`);
}

export function malformedDocument(message: string): ServiceError {
  return new ServiceError("MalformedPolicyDocument", 400, message);
}

export function accessDenied(message = "Access Denied"): ServiceError {
  return new ServiceError("AccessDenied", 403, message);
}
