/** The two protocols of SQS, JSON 1.0 and query, in front of one set of operations. */
import { jsonAnswer, parseMembers } from "../json-protocol.ts";
import type { RefusedCall, ServiceCall, Skin } from "../model.ts";
import { queryAnswer, queryError, queryParameters, treeOf } from "../query-protocol.ts";
import { queryNameOf, sqsError } from "./errors.ts";
import { Input } from "./input.ts";
import { SQS_OPERATIONS } from "./operations.ts";
import { membersOfQuery, nodesOf, SQS_NAMESPACE } from "./query.ts";
import { type SqsParts, SqsRequest } from "./request.ts";

const TARGET = "AmazonSQS.";
/** A megabyte of messages, percent-encoded. */
const BODY_LIMIT_BYTES = 4 * 1024 * 1024;

export function createSqsSkin(parts: SqsParts): Skin {
  async function run(call: ServiceCall, action: string, members: Readonly<Record<string, unknown>>) {
    const operation = Object.hasOwn(SQS_OPERATIONS, action) ? SQS_OPERATIONS[action] : undefined;
    if (operation === undefined) {
      throw sqsError("InvalidAction", `The action ${action} is not valid for this web service.`);
    }
    const { caller, context, headers, region, isGone = () => false } = call;
    const baseUrl = `http://${headers["host"] ?? "localhost"}`;
    const input = new Input(members);
    return await operation(new SqsRequest(parts, { caller, action, input, region, baseUrl, context, isGone }));
  }

  return {
    async handle(call) {
      const { requestId } = call;
      if (isJson(call)) {
        const target = call.headers["x-amz-target"] ?? "";
        const action = target.startsWith(TARGET) ? target.slice(TARGET.length) : target;
        const members = parseMembers(await call.readBody(BODY_LIMIT_BYTES), sqsError);
        return jsonAnswer(200, requestId, (await run(call, action, members)) ?? {}, "1.0");
      }
      const parameters = await queryParameters(call, BODY_LIMIT_BYTES);
      const action = parameters.get("Action") ?? "";
      const members = membersOfQuery(treeOf(parameters), action);
      // A client may say by the path alone which queue it means.
      if (members["QueueUrl"] === undefined && call.rawPath.length > 1) members["QueueUrl"] = call.rawPath;
      const answered = await run(call, action, members);
      const result = answered === undefined ? undefined : nodesOf(answered, action);
      return queryAnswer(action, result, { requestId, namespace: SQS_NAMESPACE });
    },

    printError(error, call) {
      const { requestId } = call;
      const queryName = queryNameOf(error.code);
      if (!isJson(call)) return queryError(error, queryName, { requestId, namespace: SQS_NAMESPACE });
      const members = { __type: `com.amazonaws.sqs#${error.code}`, message: error.message };
      const answer = jsonAnswer(error.status, requestId, members, "1.0");
      const side = error.status < 500 ? "Sender" : "Receiver";
      return { ...answer, headers: { ...answer.headers, "x-amzn-query-error": `${queryName};${side}` } };
    },
  };
}

function isJson({ headers }: Pick<RefusedCall, "headers">): boolean {
  return headers?.["content-type"]?.startsWith("application/x-amz-json") === true;
}
