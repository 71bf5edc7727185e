/**
 * Refusals of SQS. Each has two names: that of the JSON protocol, which is the code here, and that of the query protocol,
 * which older clients know and which the JSON protocol tells in a header.
 *
 * @source Amazon SQS API Reference, "Errors" of each action
 */
import { ServiceError } from "../model.ts";

/** Names of the query protocol, where they are others. */
const QUERY_NAMES: Readonly<Record<string, string>> = {
  QueueDoesNotExist: "AWS.SimpleQueueService.NonExistentQueue",
  QueueNameExists: "QueueAlreadyExists",
  MessageNotInflight: "AWS.SimpleQueueService.MessageNotInflight",
  PurgeQueueInProgress: "AWS.SimpleQueueService.PurgeQueueInProgress",
  EmptyBatchRequest: "AWS.SimpleQueueService.EmptyBatchRequest",
  TooManyEntriesInBatchRequest: "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
  BatchEntryIdsNotDistinct: "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
  BatchRequestTooLong: "AWS.SimpleQueueService.BatchRequestTooLong",
  InvalidBatchEntryId: "AWS.SimpleQueueService.InvalidBatchEntryId",
  UnsupportedOperation: "AWS.SimpleQueueService.UnsupportedOperation",
};

export function queryNameOf(code: string): string {
  return QUERY_NAMES[code] ?? code;
}

export function sqsError(code: string, message: string, status = 400): ServiceError {
  return new ServiceError(code, status, message);
}

export function queueDoesNotExist(): ServiceError {
  return sqsError("QueueDoesNotExist", "The specified queue does not exist.");
}

export function missingParameter(name: string): ServiceError {
  return sqsError("MissingParameter", `The request must contain the parameter ${name}.`);
}

export function invalidParameter(message: string): ServiceError {
  return sqsError("InvalidParameterValue", message);
}

export function invalidAttribute(name: string): ServiceError {
  return sqsError("InvalidAttributeValue", `Invalid value for the parameter ${name}.`);
}
