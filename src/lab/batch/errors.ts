/**
 * Answers of S3 Control that say no. The codes are AWS's, from its model and from what people report; the texts of most
 * are ours, for AWS documents none.
 *
 * @source aws-replication.md §6.1, §6.7
 */
import { ServiceError } from "../model.ts";

export function invalidRequest(message: string): ServiceError {
  return new ServiceError("InvalidRequest", 400, message);
}

export function noSuchJob(): ServiceError {
  return new ServiceError("NoSuchJob", 404, "No such job");
}

export function jobStatusException(message: string): ServiceError {
  return new ServiceError("JobStatusException", 400, message);
}

export function idempotencyException(): ServiceError {
  return new ServiceError("IdempotencyException", 400, "Another job was made with the same ClientRequestToken");
}

export function invalidNextToken(): ServiceError {
  return new ServiceError("InvalidNextTokenException", 400, "The NextToken is not one that ListJobs gave out");
}

export function accessDenied(): ServiceError {
  return new ServiceError("AccessDenied", 403, "Access Denied");
}

/** For operations and parameters of the written list (`gaps.ts`). */
export function notEmulated(what: string): ServiceError {
  return new ServiceError("NotImplemented", 501, `The lab does not emulate ${what}`, { details: { Operation: what } });
}
