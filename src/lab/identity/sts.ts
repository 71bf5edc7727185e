/**
 * STS: who am I, and AssumeRole, for callers and for AWS services.
 *
 * Not emulated: federation (SAML, web identity, GetFederationToken), GetSessionToken, AssumeRoot, MFA.
 *
 * @source aws-replication.md §10.3, §12.3
 */

import { parseArn } from "../../core/arn.ts";
import { assert } from "../../core/assert.ts";
import type { RequestContext } from "../../core/iam/model.ts";
import type { Credentials } from "../../core/model.ts";
import type { XmlNode } from "../../core/xml.ts";
import type { TextRule } from "../constraints.ts";
import type { Ask, Authoriser, Caller, Identity } from "../model.ts";
import type { Directory } from "./directory.ts";
import { type CompiledDocuments, checkDocument, defaultVersion } from "./documents.ts";
import { accessDenied, malformedDocument, validationError } from "./errors.ts";
import { printTime } from "./iam/print.ts";
import { requestTagContext, resourceTagContext } from "./iam/request.ts";
import { TAG_KEY, TAG_VALUE } from "./iam/rules.ts";
import { type Role, sessionArn, type Tags } from "./model.ts";
import type { QueryCall, QueryOperation } from "./query.ts";
import type { Sessions } from "./sessions.ts";

export interface StsParts {
  readonly directory: Directory;
  readonly documents: CompiledDocuments;
  readonly sessions: Sessions;
  readonly authoriser: Authoriser;
}

export function stsOperations(parts: StsParts): ReadonlyMap<string, QueryOperation> {
  return new Map<string, QueryOperation>([
    ["GetCallerIdentity", getCallerIdentity],
    ["AssumeRole", (call) => assumeRole(parts, call)],
  ]);
}

/** Needs no permission: even a caller that is denied everything may ask who it is. */
const getCallerIdentity: QueryOperation = async ({ caller: { principal } }) => {
  if (principal.kind === "service" || principal.kind === "anonymous") {
    throw accessDenied();
  }
  const userId =
    principal.kind === "session"
      ? `${principal.roleId}:${principal.sessionName}`
      : principal.kind === "user"
        ? principal.userId
        : principal.accountId;
  return [
    ["Arn", principal.arn],
    ["UserId", userId],
    ["Account", principal.accountId],
  ];
};

const SESSION_NAME: TextRule = { min: 2, max: 64, pattern: /^[\w+=,.@-]*$/ };
const EXTERNAL_ID: TextRule = { min: 2, max: 1224, pattern: /^[\w+=,.@:\\/-]*$/ };
const SESSION_POLICY: TextRule = { max: 2048, pattern: /^[\t\n\r\u0020-\u00ff]+$/ };
const DURATION_SECONDS = { min: 900, max: 43_200 };
/** Of a role that is assumed by a session of another one. */
const CHAINED_SECONDS_MAX = 3600;
const SESSION_TAGS_MAX = 50;
const SESSION_POLICIES_MAX = 10;

async function assumeRole(parts: StsParts, call: QueryCall): Promise<readonly XmlNode[]> {
  const { caller, parameters, nowMs } = call;
  const roleArn = parameters.required("RoleArn", { min: 20, max: 2048 });
  const sessionName = parameters.required("RoleSessionName", SESSION_NAME);
  const externalId = parameters.optional("ExternalId", EXTERNAL_ID);
  const sourceIdentity = parameters.optional("SourceIdentity", SESSION_NAME);
  const durationSeconds = parameters.integer("DurationSeconds", DURATION_SECONDS) ?? CHAINED_SECONDS_MAX;
  const tags = sessionTags(call);
  if (caller.principal.kind === "root") {
    throw accessDenied("Roles may not be assumed by root accounts.");
  }

  const context: RequestContext = {
    ...call.context,
    ...requestTagContext(tags),
    "sts:rolesessionname": sessionName,
    ...(externalId === undefined ? {} : { "sts:externalid": externalId }),
    ...(sourceIdentity === undefined ? {} : { "sts:sourceidentity": sourceIdentity }),
  };
  const role = requireTrust(parts, caller, { action: "sts:AssumeRole", roleArn, context });
  if (Object.keys(tags).length > 0) requireTrust(parts, caller, { action: "sts:TagSession", roleArn, context });
  if (sourceIdentity !== undefined) requireTrust(parts, caller, { action: "sts:SetSourceIdentity", roleArn, context });

  if (durationSeconds > role.maxSessionSeconds) {
    throw validationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  }
  if (caller.principal.kind === "session" && durationSeconds > CHAINED_SECONDS_MAX) {
    throw validationError(
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    );
  }
  const policies = sessionPolicies(parts, call, role);
  const credentials = await parts.sessions.open(role, {
    sessionName,
    tags,
    ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
    ...(policies === undefined ? {} : { policies }),
    durationSeconds,
    nowMs,
  });
  return [
    ["Credentials", printCredentials(credentials)],
    [
      "AssumedRoleUser",
      [
        ["AssumedRoleId", `${role.id}:${sessionName}`],
        ["Arn", sessionArn(role, sessionName)],
      ],
    ],
    ["PackedPolicySize", policies === undefined ? undefined : packedPercent(policies)],
    ["SourceIdentity", sourceIdentity],
  ];
}

/**
 * A session for an AWS service's own work. The trust policy alone decides.
 *
 * aws:SourceAccount and aws:SourceArn are not in the request: whether S3 sends them when it assumes a replication role
 * is unconfirmed, and a trust policy that demands them is refused here.
 *
 * @source aws-replication.md §10.3
 */
export async function assumeForService(
  parts: StsParts,
  request: Parameters<Identity["assumeForService"]>[0],
): Promise<Credentials> {
  const { service, roleArn, sessionName, nowMs } = request;
  const caller: Caller = { principal: { kind: "service", service }, accessKeyId: "", identity: [] };
  const context = { "sts:rolesessionname": sessionName };
  const role = requireTrust(parts, caller, { action: "sts:AssumeRole", roleArn, context });
  return parts.sessions.open(role, {
    sessionName,
    tags: {},
    invokedBy: service,
    durationSeconds: CHAINED_SECONDS_MAX,
    nowMs,
  });
}

/**
 * The role, if its trust policy (and, from another account, the caller's own policies) lets the caller in. A role that
 * is not there refuses in the same words as one that trusts nobody.
 */
function requireTrust(
  parts: StsParts,
  caller: Caller,
  want: { readonly action: string; readonly roleArn: string; readonly context: RequestContext },
): Role {
  const { action, roleArn } = want;
  const role = parts.directory.roleOfArn(roleArn);
  const ask: Ask = {
    action,
    resource: roleArn,
    resourceAccount: parseArn(roleArn)?.account ?? "",
    context: { ...want.context, ...resourceTagContext(role?.tags ?? {}) },
    ...(role === undefined ? {} : { resourcePolicy: parts.documents.trustPolicy(role) }),
    resourceRule: "resource",
  };
  const decision = parts.authoriser.decide(caller, ask);
  if (!decision.allowed) throw accessDenied(parts.authoriser.denial(caller, ask, decision));
  assert(role !== undefined, `nobody may assume ${roleArn}, which does not exist`);
  return role;
}

function sessionTags({ parameters }: QueryCall): Tags {
  const given = parameters.structures("Tags", "Key");
  if (given.length > SESSION_TAGS_MAX) throw validationError(`A session can have at most ${SESSION_TAGS_MAX} tags.`);
  return Object.fromEntries(given.map((one) => [one.required("Key", TAG_KEY), one.required("Value", TAG_VALUE)]));
}

/** Undefined when the call has none: then nothing but the role's own policies limits the session. */
function sessionPolicies(parts: StsParts, { parameters }: QueryCall, role: Role): readonly string[] | undefined {
  const inline = parameters.optional("Policy", SESSION_POLICY);
  const arns = parameters.structures("PolicyArns", "arn").map((one) => one.required("arn", { min: 20, max: 2048 }));
  if (inline === undefined && arns.length === 0) return undefined;
  if (arns.length > SESSION_POLICIES_MAX) {
    throw validationError(`A session can have at most ${SESSION_POLICIES_MAX} managed policies.`);
  }
  if (inline !== undefined) checkDocument(inline, "identity");
  const managed = arns.map((arn) => {
    const policy = parts.directory.findPolicy(arn);
    if (policy === undefined || (policy.accountId !== role.accountId && policy.accountId !== "aws")) {
      // What AWS answers here is unconfirmed.
      throw malformedDocument(`Policy ${arn} does not exist or is not attachable.`);
    }
    return defaultVersion(policy).document;
  });
  return inline === undefined ? managed : [inline, ...managed];
}

/** How full the session's packed policy is; AWS's packing is not public, so this is the share of the plain limit. */
function packedPercent(policies: readonly string[]): number {
  const size = policies.reduce((sum, one) => sum + one.length, 0);
  return Math.min(100, Math.max(1, Math.ceil((size / 2048) * 100)));
}

function printCredentials(credentials: Required<Credentials>): XmlNode[] {
  return [
    ["AccessKeyId", credentials.accessKeyId],
    ["SecretAccessKey", credentials.secretAccessKey],
    ["SessionToken", credentials.sessionToken],
    ["Expiration", printTime(credentials.expiresAtMs)],
  ];
}
