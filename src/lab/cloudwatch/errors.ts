/**
 * Refusals of CloudWatch, by their names in the query protocol, which the other two protocols tell in a header.
 *
 * @source the model of CloudWatch in botocore 1.43 (errors of GetMetricData, GetMetricStatistics, ListMetrics)
 */
import { ServiceError } from "../model.ts";

const SHAPES: Readonly<Record<string, string>> = {
  InvalidParameterValue: "InvalidParameterValueException",
  InvalidParameterCombination: "InvalidParameterCombinationException",
  MissingParameter: "MissingRequiredParameterException",
  AccessDenied: "AccessDeniedException",
};

/** What JSON and CBOR call the error. */
export function shapeOf(code: string): string {
  return SHAPES[code] ?? code;
}

export function cloudWatchError(code: string, message: string, status = 400): ServiceError {
  return new ServiceError(code, status, message);
}

export function invalidValue(name: string, why: string): ServiceError {
  return cloudWatchError("InvalidParameterValue", `The value for parameter ${name} is invalid: ${why}`);
}

export function missing(name: string): ServiceError {
  return cloudWatchError("MissingParameter", `The parameter ${name} is required.`);
}
