/** What the services of the JSON protocols have in common: how a body is read, and how an answer is written. */
import type { ServiceAnswer, ServiceError } from "./model.ts";

/**
 * The members of a request; none for an empty body.
 *
 * @param refusal words an error as the service at hand does
 * @throws ServiceError SerializationException
 */
export function parseMembers(
  body: Uint8Array,
  refusal: (code: "SerializationException", message: string) => ServiceError,
): Readonly<Record<string, unknown>> {
  let members: unknown;
  try {
    members = body.length === 0 ? {} : JSON.parse(Buffer.from(body).toString());
  } catch {
    throw refusal("SerializationException", "The request is not JSON.");
  }
  if (!isObject(members)) throw refusal("SerializationException", "The request is not a JSON object.");
  return members;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param members undefined: an answer without a body
 * @param version of the protocol
 */
export function jsonAnswer(
  status: number,
  requestId: string,
  members: Readonly<Record<string, unknown>> | undefined,
  version: "1.0" | "1.1" = "1.1",
): ServiceAnswer {
  return {
    status,
    headers: { "content-type": `application/x-amz-json-${version}`, "x-amzn-requestid": requestId },
    body: members === undefined ? "" : JSON.stringify(members),
  };
}
