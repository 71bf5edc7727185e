/**
 * What CloudTrail says of calls of IAM, STS, KMS, Organizations and of its own. All are management events.
 *
 * @source CloudTrail User Guide, "CloudTrail record contents"; AWS KMS Developer Guide, "Logging AWS KMS API calls"
 */
import { parseArn } from "../../core/arn.ts";
import type { CallEnd, CallRecord } from "../call-record.ts";
import { isObject } from "../json-protocol.ts";
import { ServiceError } from "../model.ts";
import { type Elements, elementsOf, elementsOfQuery, elementsOfResult } from "./elements.ts";
import type { CallFacts, CallResource } from "./event.ts";

interface RecordedService {
  readonly source: string;
  readonly protocol: "query" | "json";
  readonly isGlobal: boolean;
}

const SERVICES: Readonly<Record<string, RecordedService>> = {
  iam: { source: "iam.amazonaws.com", protocol: "query", isGlobal: true },
  sts: { source: "sts.amazonaws.com", protocol: "query", isGlobal: false },
  kms: { source: "kms.amazonaws.com", protocol: "json", isGlobal: false },
  organizations: { source: "organizations.amazonaws.com", protocol: "json", isGlobal: true },
  cloudtrail: { source: "cloudtrail.amazonaws.com", protocol: "json", isGlobal: false },
};

export function isRecordedService(service: string): boolean {
  return Object.hasOwn(SERVICES, service);
}

const GLOBAL_REGION = "us-east-1";
const READS = /^(?:Get|List|Describe|Head|Lookup|Simulate)/;
/** They change nothing that anybody could look at afterwards. */
const ALSO_READS: ReadonlySet<string> = new Set([
  "AssumeRole",
  "Decrypt",
  "Encrypt",
  "GenerateDataKey",
  "GenerateDataKeyWithoutPlaintext",
  "ReEncrypt",
]);

/** Resolves what a call names to a key's ARN. */
export type KeyResolver = (keyId: string, account: string, region: string) => string | undefined;

/** Undefined for what names no action. */
export function controlFactsOf(record: CallRecord, end: CallEnd, resolveKey: KeyResolver): CallFacts | undefined {
  const service = SERVICES[record.service];
  if (service === undefined) return undefined;
  const { wire, caller, claim } = record;
  const { name, parameters } = service.protocol === "json" ? jsonCall(record) : queryCall(record);
  if (name === "") return undefined;
  const region = service.isGlobal ? GLOBAL_REGION : (claim?.scope.region ?? GLOBAL_REGION);
  const readOnly = READS.test(name) || ALSO_READS.has(name);
  const home = "accountId" in caller.principal ? caller.principal.accountId : "";
  const resources = resourcesOf(record.service, name, parameters, (keyId) => resolveKey(keyId, home, region));
  const answered = READS.test(name) ? undefined : answerOf(service.protocol, name, end);
  const foreign = resources.map((one) => one.account).find((one) => one !== undefined && one !== home);
  return {
    source: service.source,
    name,
    category: "Management",
    readOnly,
    region,
    isGlobal: service.isGlobal,
    caller,
    atMs: wire.nowMs,
    remoteIp: record.remoteIp,
    userAgent: wire.headers["user-agent"] ?? "-",
    requestId: wire.requestId,
    error: errorOf(record),
    requestParameters: Object.keys(parameters).length === 0 ? null : parameters,
    responseElements: record.service === "kms" && readOnly ? null : (answered ?? null),
    resources,
    ownerAccount: foreign,
  };
}

/** IAM's codes go without their ending on the wire, and with it in CloudTrail. */
function errorOf({ service, error }: CallRecord): ServiceError | undefined {
  if (error === undefined || service !== "iam" || /Denied|Exception$/.test(error.code)) return error;
  return new ServiceError(`${error.code}Exception`, error.status, error.message);
}

interface NamedCall {
  readonly name: string;
  readonly parameters: Elements;
}

function jsonCall({ wire, body }: CallRecord): NamedCall {
  const target = wire.headers["x-amz-target"] ?? "";
  const name = target.slice(target.lastIndexOf(".") + 1);
  return { name, parameters: elementsOf(membersOf(body)) };
}

function membersOf(body: Uint8Array | string | undefined): Elements {
  if (body === undefined || body.length === 0) return {};
  try {
    const members: unknown = JSON.parse(Buffer.from(body).toString());
    return isObject(members) ? members : {};
  } catch {
    return {};
  }
}

function queryCall({ wire, body }: CallRecord): NamedCall {
  const values = new Map(wire.query);
  if (wire.method === "POST" && body !== undefined) {
    for (const [name, value] of new URLSearchParams(Buffer.from(body).toString())) values.set(name, value);
  }
  const signed = [...values].filter(([name]) => !/^X-Amz-/i.test(name));
  return { name: values.get("Action") ?? "", parameters: elementsOfQuery(signed) };
}

function answerOf(protocol: RecordedService["protocol"], name: string, { answer }: CallEnd): Elements | undefined {
  if (typeof answer.body !== "string") return undefined;
  if (protocol === "query") return elementsOfResult(answer.body, name);
  const members = elementsOf(membersOf(answer.body));
  return Object.keys(members).length === 0 ? undefined : members;
}

/** What IAM's and KMS's parameters name, for LookupEvents. */
const NAMED_TYPES = [
  ["roleName", "AWS::IAM::Role"],
  ["userName", "AWS::IAM::User"],
  ["groupName", "AWS::IAM::Group"],
  ["policyArn", "AWS::IAM::Policy"],
  ["policyName", "AWS::IAM::Policy"],
  ["accessKeyId", "AWS::IAM::AccessKey"],
] as const;

function resourcesOf(
  service: string,
  name: string,
  parameters: Elements,
  resolveKey: (keyId: string) => string | undefined,
): CallResource[] {
  const text = (member: string): string | undefined => {
    const value = parameters[member];
    return typeof value === "string" ? value : undefined;
  };
  if (service === "iam") {
    return NAMED_TYPES.flatMap(([member, type]) => {
      const value = text(member);
      return value === undefined ? [] : [{ type, name: value, isLookedUpOnly: true }];
    });
  }
  const roleArn = text("roleArn");
  if (service === "sts" && name === "AssumeRole" && roleArn !== undefined) {
    const account = parseArn(roleArn)?.account;
    return [{ ...(account === undefined ? {} : { account }), type: "AWS::IAM::Role", arn: roleArn }];
  }
  const keyId = text("keyId");
  if (service !== "kms" || keyId === undefined) return [];
  return keyResources(resolveKey(keyId) ?? keyId);
}

/** @param named an ARN; anything else names no resource */
export function keyResources(named: string): CallResource[] {
  const account = parseArn(named)?.account;
  return account === undefined ? [] : [{ account, type: "AWS::KMS::Key", arn: named }];
}
