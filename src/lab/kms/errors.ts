/** Refusals of KMS, in AWS's words. All of them are HTTP 400. @source aws-replication.md §10.4, §12.4 */
import { ServiceError } from "../model.ts";

export function kmsError(code: string, message: string): ServiceError {
  return new ServiceError(code, 400, message);
}

export function validationError(message: string): ServiceError {
  return kmsError("ValidationException", message);
}

export function notFound(message: string): ServiceError {
  return kmsError("NotFoundException", message);
}

export function keyNotFound(arn: string): ServiceError {
  return notFound(`Key '${arn}' does not exist`);
}

export function unsupported(message: string): ServiceError {
  return kmsError("UnsupportedOperationException", message);
}

export function malformedPolicy(message: string): ServiceError {
  return kmsError("MalformedPolicyDocumentException", message);
}

export function limitExceeded(message: string): ServiceError {
  return kmsError("LimitExceededException", message);
}

/** AWS says nothing more: neither which part was changed, nor whether the context was another one. */
export function invalidCiphertext(): ServiceError {
  return kmsError("InvalidCiphertextException", "");
}
