/** The JSON 1.1 protocol of AWS Organizations. @source aws-replication.md §12.4 (the same protocol) */
import { jsonAnswer, parseMembers } from "../json-protocol.ts";
import type { Skin } from "../model.ts";
import { invalidInput, organizationsError } from "./errors.ts";
import { Input } from "./input.ts";
import { ORGANIZATIONS_OPERATIONS } from "./operations.ts";
import { type OrganizationsParts, OrganizationsRequest } from "./request.ts";

const TARGET = "AWSOrganizationsV20161128.";
const BODY_LIMIT_BYTES = 1024 * 1024;

export function createOrganizationsSkin(parts: OrganizationsParts): Skin {
  return {
    async handle(call) {
      const { caller, context, headers, requestId } = call;
      if (caller.principal.kind === "anonymous") {
        throw organizationsError("MissingAuthenticationTokenException", "Missing Authentication Token");
      }
      const target = headers["x-amz-target"] ?? "";
      const action = target.startsWith(TARGET) ? target.slice(TARGET.length) : "";
      const operation = Object.hasOwn(ORGANIZATIONS_OPERATIONS, action) ? ORGANIZATIONS_OPERATIONS[action] : undefined;
      if (operation === undefined) throw organizationsError("UnknownOperationException", "");
      const input = new Input(parseMembers(await call.readBody(BODY_LIMIT_BYTES), organizationsError));
      if (input.has("Tags")) throw invalidInput("The lab keeps no tags of organizations.", "INVALID_LIST_MEMBER");
      const members = await operation(new OrganizationsRequest(parts, { caller, action, input, context }));
      return jsonAnswer(200, requestId, members);
    },

    printError: (error, { requestId }) =>
      jsonAnswer(error.status, requestId, {
        __type: error.code,
        ...(error.message === "" ? {} : { Message: error.message }),
        ...error.details,
      }),
  };
}
