/** A problem of a replication configuration, in AWS's words and in ours. */

export interface ConfigProblem {
  /** AWS's error code. */
  readonly code: "MalformedXML" | "InvalidRequest" | "InvalidArgument";
  /** AWS's message, exact where it is known. */
  readonly message: string;
  /** Where: `Rules[0].Destination.Bucket`; "" is the whole document. */
  readonly path: string;
  /** What is wrong and what to do, for a person. */
  readonly says: string;
  /** `ArgumentName` of an InvalidArgument. */
  readonly argument?: string;
}

const SCHEMA_MESSAGE = "The XML you provided was not well-formed or did not validate against our published schema";

export function malformed(path: string, says: string): ConfigProblem {
  return { code: "MalformedXML", message: SCHEMA_MESSAGE, path, says };
}

export function invalidRequest(path: string, message: string, says: string = message): ConfigProblem {
  return { code: "InvalidRequest", message, path, says };
}

export function invalidArgument(
  path: string,
  argument: string,
  message: string,
  says: string = message,
): ConfigProblem {
  return { code: "InvalidArgument", message, path, says, argument };
}
