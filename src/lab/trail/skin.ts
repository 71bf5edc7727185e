/** The JSON 1.1 protocol of CloudTrail. @source aws-replication.md §12.4 */
import { jsonAnswer, parseMembers } from "../json-protocol.ts";
import type { Skin } from "../model.ts";
import { cloudTrailError } from "./errors.ts";
import { Input } from "./input.ts";
import { CLOUDTRAIL_OPERATIONS } from "./operations.ts";
import { type CloudTrailParts, CloudTrailRequest } from "./request.ts";

/** Clients say it with the package's name in front, or without. */
const TARGET = /^(?:com\.amazonaws\.cloudtrail\.v20131101\.)?CloudTrail_20131101\.(\w+)$/;
const BODY_LIMIT_BYTES = 1024 * 1024;

export function createCloudTrailSkin(parts: CloudTrailParts): Skin {
  return {
    async handle(call) {
      const { caller, region, context, headers, requestId } = call;
      if (caller.principal.kind === "anonymous") {
        throw cloudTrailError("MissingAuthenticationTokenException", "Missing Authentication Token");
      }
      const action = TARGET.exec(headers["x-amz-target"] ?? "")?.[1] ?? "";
      const operation = Object.hasOwn(CLOUDTRAIL_OPERATIONS, action) ? CLOUDTRAIL_OPERATIONS[action] : undefined;
      if (operation === undefined) throw cloudTrailError("UnknownOperationException", "");
      const input = new Input(parseMembers(await call.readBody(BODY_LIMIT_BYTES), cloudTrailError));
      const request = new CloudTrailRequest(parts, { caller, region, context, action, input });
      return jsonAnswer(200, requestId, await operation(request));
    },

    printError: (error, { requestId }) =>
      jsonAnswer(error.status, requestId, {
        __type: error.code,
        ...(error.message === "" ? {} : { message: error.message }),
      }),
  };
}
