/** The JSON 1.1 protocol of KMS. @source aws-replication.md §12.4 */
import { jsonAnswer, parseMembers } from "../json-protocol.ts";
import type { Skin } from "../model.ts";
import { kmsError, unsupported } from "./errors.ts";
import { Input } from "./input.ts";
import { KMS_OPERATIONS } from "./operations.ts";
import { type KmsParts, KmsRequest } from "./request.ts";

const TARGET = "TrentService.";
const BODY_LIMIT_BYTES = 1024 * 1024;

export function createKmsSkin(parts: KmsParts): Skin {
  return {
    async handle(call) {
      if (call.caller.principal.kind === "anonymous") {
        throw kmsError("MissingAuthenticationTokenException", "Missing Authentication Token");
      }
      const target = call.headers["x-amz-target"] ?? "";
      const action = target.startsWith(TARGET) ? target.slice(TARGET.length) : "";
      const operation = Object.hasOwn(KMS_OPERATIONS, action) ? KMS_OPERATIONS[action] : undefined;
      if (operation === undefined) throw kmsError("UnknownOperationException", "");
      const { caller, region, context } = call;
      const input = new Input(parseMembers(await call.readBody(BODY_LIMIT_BYTES), kmsError));
      if (input.has("Recipient")) throw unsupported("The lab knows no attestation documents.");
      const members = await operation(new KmsRequest(parts, { caller, region, context, action, input }));
      return jsonAnswer(200, call.requestId, members);
    },

    printError: (error, { requestId }) =>
      jsonAnswer(error.status, requestId, {
        __type: error.code,
        ...(error.message === "" ? {} : { message: error.message }),
      }),
  };
}
