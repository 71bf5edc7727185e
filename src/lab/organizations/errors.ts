/** Refusals of AWS Organizations. All of them are HTTP 400. @source AWS Organizations API Reference */
import { ServiceError } from "../model.ts";

/** @param reason AWS's word for what exactly is wrong, where the exception has one */
export function organizationsError(code: string, message: string, reason?: string): ServiceError {
  return new ServiceError(code, 400, message, reason === undefined ? {} : { details: { Reason: reason } });
}

export function notInUse(): ServiceError {
  return organizationsError("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.");
}

/** What AWS says to member accounts, whatever their policies allow. */
export function notForMembers(): ServiceError {
  return organizationsError("AccessDeniedException", "You don't have permissions to access this resource.");
}

export function invalidInput(message: string, reason: string): ServiceError {
  return organizationsError("InvalidInputException", message, reason);
}

export function constraintViolated(message: string, reason: string): ServiceError {
  return organizationsError("ConstraintViolationException", message, reason);
}

export function malformedPolicy(message: string): ServiceError {
  return organizationsError(
    "MalformedPolicyDocumentException",
    `The provided policy document does not meet the requirements of the specified policy type. (${message})`,
  );
}
