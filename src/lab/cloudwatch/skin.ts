/**
 * The three protocols of CloudWatch, in front of one set of operations: JSON 1.0, CBOR (Smithy RPC v2), and query.
 *
 * @source aws-replication.md §12.5
 */
import type { XmlNode } from "../../core/xml.ts";
import { CborError, decodeCbor, encodeCbor } from "../cbor.ts";
import { isObject, jsonAnswer, parseMembers } from "../json-protocol.ts";
import type { Authoriser, RefusedCall, ServiceAnswer, ServiceCall, Skin } from "../model.ts";
import { numbered, type ParameterTree, queryAnswer, queryError, queryParameters, treeOf } from "../query-protocol.ts";
import type { S3Service } from "../s3/service.ts";
import { cloudWatchError, shapeOf } from "./errors.ts";
import { Input } from "./input.ts";
import { METRICS_OPERATIONS } from "./operations.ts";
import type { Sampler } from "./sampler.ts";

export interface CloudWatchParts {
  readonly s3: S3Service;
  readonly authoriser: Authoriser;
  readonly sampler: Sampler;
}

const TARGET = "GraniteServiceVersion20100801.";
const CBOR_PATH = /^\/service\/GraniteServiceVersion20100801\/operation\/([A-Za-z]+)$/;
const CBOR_PROTOCOL = "rpc-v2-cbor";
const NAMESPACE = "http://monitoring.amazonaws.com/doc/2010-08-01/";
const BODY_LIMIT_BYTES = 1024 * 1024;

type Members = Readonly<Record<string, unknown>>;
type Protocol = "json" | "cbor" | "query";

export function createCloudWatchSkin(parts: CloudWatchParts): Skin {
  return {
    async handle(call) {
      const { requestId } = call;
      const protocol = protocolOf(call);
      const { action, members } = await READERS[protocol](call);
      const answered = await run(parts, call, action, members);
      if (protocol === "json") return jsonAnswer(200, requestId, withSeconds(answered), "1.0");
      if (protocol === "cbor") return cborAnswer(200, requestId, answered);
      return queryAnswer(action, nodesOf(answered), { requestId, namespace: NAMESPACE });
    },

    printError(error, call) {
      const { requestId } = call;
      const { status, code, message } = error;
      const protocol = protocolOf(call);
      if (protocol === "query") return queryError(error, code, { requestId, namespace: NAMESPACE });
      const members = { __type: `com.amazonaws.cloudwatch#${shapeOf(code)}`, message };
      const answer =
        protocol === "json" ? jsonAnswer(status, requestId, members, "1.0") : cborAnswer(status, requestId, members);
      const side = status < 500 ? "Sender" : "Receiver";
      return { ...answer, headers: { ...answer.headers, "x-amzn-query-error": `${code};${side}` } };
    },
  };
}

function protocolOf({ headers }: Pick<RefusedCall, "headers">): Protocol {
  if (headers?.["smithy-protocol"] === CBOR_PROTOCOL) return "cbor";
  return headers?.["content-type"]?.startsWith("application/x-amz-json") === true ? "json" : "query";
}

interface ReadCall {
  readonly action: string;
  readonly members: Members;
}

const READERS: Readonly<Record<Protocol, (call: ServiceCall) => Promise<ReadCall>>> = {
  async json(call) {
    const target = call.headers["x-amz-target"] ?? "";
    const action = target.startsWith(TARGET) ? target.slice(TARGET.length) : target;
    return { action, members: parseMembers(await call.readBody(BODY_LIMIT_BYTES), cloudWatchError) };
  },

  async cbor(call) {
    const body = await call.readBody(BODY_LIMIT_BYTES);
    const [, action = ""] = CBOR_PATH.exec(call.rawPath) ?? [];
    return { action, members: body.length === 0 ? {} : cborMembers(body) };
  },

  async query(call) {
    const parameters = await queryParameters(call, BODY_LIMIT_BYTES);
    return { action: parameters.get("Action") ?? "", members: membersOf(treeOf(parameters)) };
  },
};

function cborMembers(body: Uint8Array): Members {
  try {
    const value = decodeCbor(body);
    if (isObject(value)) return value;
  } catch (error) {
    if (!(error instanceof CborError)) throw error;
  }
  throw cloudWatchError("SerializationException", "The request is not a map in CBOR.");
}

/** A structure with the one member `member` is a list. */
function membersOf(tree: ParameterTree): Members {
  return Object.fromEntries([...tree].map(([name, value]) => [name, memberOf(value)]));
}

function memberOf(value: string | ParameterTree): unknown {
  if (typeof value === "string") return value;
  const list = value.get("member");
  return list instanceof Map ? numbered(list).map(memberOf) : membersOf(value);
}

async function run(parts: CloudWatchParts, call: ServiceCall, action: string, members: Members): Promise<Members> {
  const { s3, authoriser, sampler } = parts;
  const { caller, context, nowMs, region } = call;
  const { principal } = caller;
  if (!("accountId" in principal)) {
    throw cloudWatchError("MissingAuthenticationToken", "Request is missing Authentication Token", 403);
  }
  const operation = Object.hasOwn(METRICS_OPERATIONS, action) ? METRICS_OPERATIONS[action] : undefined;
  if (operation === undefined) {
    throw cloudWatchError("InvalidAction", `The action ${action} is not valid for this web service.`);
  }
  const { accountId: account } = principal;
  const ask = { action: `cloudwatch:${action}`, resource: "*", resourceAccount: account, context };
  const decision = authoriser.decide(caller, ask);
  if (!decision.allowed) throw cloudWatchError("AccessDenied", authoriser.denial(caller, ask, decision), 403);
  await sampler.sampleBacklog();
  for (const name of bucketsOfStorage(members)) {
    const bucket = s3.buckets.find(name);
    if (bucket?.account === account) await sampler.sampleStorage(bucket);
  }
  return operation({ connection: s3.database.committed, account, region, nowMs, input: new Input(members) });
}

/** Buckets whose storage is asked for: the values of a dimension `BucketName`, wherever it stands. */
function bucketsOfStorage(value: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (one: unknown): void => {
    if (Array.isArray(one)) for (const item of one) visit(item);
    else if (isObject(one)) {
      if (one["Name"] === "BucketName" && typeof one["Value"] === "string") names.add(one["Value"]);
      for (const member of Object.values(one)) visit(member);
    }
  };
  visit(value);
  return names;
}

/** JSON has instants as seconds since 1970. */
function withSeconds(value: Members): Members {
  return JSON.parse(
    JSON.stringify(value, function (this: Record<string, unknown>, name: string, member: unknown) {
      // Dates have become texts before they come here.
      const before = this[name];
      return before instanceof Date ? before.getTime() / 1000 : member;
    }),
  ) as Members;
}

function cborAnswer(status: number, requestId: string, members: Members): ServiceAnswer {
  const headers = {
    "content-type": "application/cbor",
    "smithy-protocol": CBOR_PROTOCOL,
    "x-amzn-requestid": requestId,
  };
  return { status, headers, body: encodeCbor(members) };
}

function nodesOf(members: Members): XmlNode[] {
  return Object.entries(members).map(([name, value]): XmlNode => [name, contentOf(value)]);
}

function contentOf(value: unknown): string | readonly XmlNode[] {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((one: unknown): XmlNode => ["member", contentOf(one)]);
  return isObject(value) ? nodesOf(value) : String(value);
}
