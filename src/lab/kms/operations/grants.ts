/**
 * Grants: who may use a key without being named in its policy. In the lab they work at once and everywhere.
 *
 * @source aws-replication.md §10.4; KMS Developer Guide, "Grants in AWS KMS"
 */
import { randomBytes } from "node:crypto";
import { unreachable } from "../../../core/assert.ts";
import type { Principal, RequestContext } from "../../../core/iam/model.ts";
import type { TextRule } from "../../constraints.ts";
import { kmsError, limitExceeded, notFound, validationError } from "../errors.ts";
import type { Input } from "../input.ts";
import { type Key, type KeyGrant, keyArn } from "../model.ts";
import { type KmsOperation, type KmsRequest, seconds } from "../request.ts";
import { requireState } from "../states.ts";

/** Those that a symmetric encryption key has. */
const OPERATIONS = [
  "Decrypt",
  "Encrypt",
  "GenerateDataKey",
  "GenerateDataKeyWithoutPlaintext",
  "GenerateDataKeyPair",
  "GenerateDataKeyPairWithoutPlaintext",
  "ReEncryptFrom",
  "ReEncryptTo",
  "CreateGrant",
  "RetireGrant",
  "DescribeKey",
];
const PRINCIPAL: TextRule = { max: 256, pattern: /^[\w+=,.@:/-]+$/ };
const GRANT_NAME: TextRule = { max: 256, pattern: /^[a-zA-Z0-9:/_-]+$/ };
const GRANT_ID: TextRule = { max: 128 };
const GRANTS_PER_KEY_MAX = 50_000;

type Constraints = Pick<KeyGrant, "encryptionContextEquals" | "encryptionContextSubset" | "sourceArn">;

export const createGrant: KmsOperation = async (request) => {
  const { input, keyring, home, nowMs } = request;
  const granteePrincipal = input.text("GranteePrincipal", PRINCIPAL);
  const retiringPrincipal = input.optionalText("RetiringPrincipal", PRINCIPAL);
  for (const principal of [granteePrincipal, retiringPrincipal]) requirePrincipal(request, principal);
  const operations = input.texts("Operations", { oneOf: OPERATIONS });
  if (operations.length === 0) throw validationError("A grant needs at least one operation.");
  const constraints = constraintsOf(input.structure("Constraints"));
  const name = input.optionalText("Name", GRANT_NAME);

  const context: RequestContext = {
    "kms:granteeprincipal": granteePrincipal,
    ...(retiringPrincipal === undefined ? {} : { "kms:retiringprincipal": retiringPrincipal }),
    "kms:grantoperations": operations,
    "kms:grantisforawsresource": "false",
    ...constraintContext(constraints),
  };
  const found = request.key(context);
  requireNarrower(request, found, context, { operations, ...constraints });
  request.endDryRun();
  const grant = await keyring.change(() => {
    const key = request.current(found);
    requireState(key, "grant");
    const existing = keyring.grantsOf(key);
    if (existing.length >= GRANTS_PER_KEY_MAX)
      throw limitExceeded(`A key can have at most ${GRANTS_PER_KEY_MAX} grants.`);
    const made: KeyGrant = {
      grantId: randomBytes(32).toString("hex"),
      keyId: key.keyId,
      granteePrincipal,
      operations,
      ...constraints,
      ...(retiringPrincipal === undefined ? {} : { retiringPrincipal }),
      ...(name === undefined ? {} : { name }),
      issuingAccount: `arn:aws:iam::${home.accountId}:root`,
      createdAtMs: nowMs,
      token: randomBytes(96).toString("base64"),
    };
    // With a name the call can be repeated: the same grant is not made twice.
    const same = name === undefined ? undefined : existing.find((one) => isSameGrant(one, made));
    return same === undefined ? [made, keyring.grants.put(made)] : [same];
  });
  return { GrantId: grant.grantId, GrantToken: grant.token };
};

export const listGrants: KmsOperation = async (request) => {
  const { input, keyring } = request;
  const key = request.key();
  const grantId = input.optionalText("GrantId", GRANT_ID);
  const grantee = input.optionalText("GranteePrincipal", PRINCIPAL);
  const grants = keyring
    .grantsOf(key)
    .filter((one) => grantId === undefined || one.grantId === grantId)
    .filter((one) => grantee === undefined || one.granteePrincipal === grantee);
  return printGrants(request, grants);
};

/** In the caller's account and region. */
export const listRetirableGrants: KmsOperation = async (request) => {
  const { input, keyring, home } = request;
  const retiring = input.text("RetiringPrincipal", PRINCIPAL);
  request.access.requireOn(request, "*", "ListRetirableGrants");
  const grants = keyring
    .keysOf(home)
    .flatMap((key) => keyring.grantsOf(key))
    .filter((one) => one.retiringPrincipal === retiring);
  return printGrants(request, grants);
};

/** Ends a grant from the key's side: needs permission for kms:RevokeGrant. */
export const revokeGrant: KmsOperation = async (request) => {
  const { input, keyring } = request;
  const grantId = input.text("GrantId", GRANT_ID);
  const key = request.key();
  request.endDryRun();
  await keyring.change(() => [undefined, keyring.grants.remove(grantOf(request, key, grantId))]);
  return undefined;
};

/** Ends a grant from its own side: the retiring principal, a grantee that may retire it, or who has kms:RetireGrant. */
export const retireGrant: KmsOperation = async (request) => {
  const { keyring, caller } = request;
  const grant = grantToRetire(request);
  const key = keyring.key(grant.keyId);
  if (key === undefined) throw notFound(`Grant ID ${grant.grantId} not found`);
  const isRetiring = grant.retiringPrincipal !== undefined && isPrincipal(grant.retiringPrincipal, caller.principal);
  const mayAsGrantee =
    grant.operations.includes("RetireGrant") && isPrincipal(grant.granteePrincipal, caller.principal);
  if (!isRetiring && !mayAsGrantee) request.access.requireKey(request, key, "RetireGrant");
  request.endDryRun();
  await keyring.change(() => [undefined, keyring.grants.remove(grantOf(request, key, grant.grantId))]);
  return undefined;
};

function grantToRetire(request: KmsRequest): KeyGrant {
  const { input, keyring, home } = request;
  const token = input.optionalText("GrantToken", { max: 8192 });
  if (token !== undefined) {
    const named = keyring.grants.named(token);
    if (named === undefined) throw kmsError("InvalidGrantTokenException", "The grant token is not valid.");
    return named;
  }
  const grantId = input.text("GrantId", GRANT_ID);
  const key = keyring.find(keyring.parse(input.text("KeyId", { max: 2048 }), home));
  const grant = keyring.grants.get(grantId);
  if (key === undefined || grant?.keyId !== key.keyId) throw notFound(`Grant ID ${grantId} not found`);
  return grant;
}

function grantOf(request: KmsRequest, key: Key, grantId: string): KeyGrant {
  const grant = request.keyring.grants.get(grantId);
  if (grant === undefined || grant.keyId !== key.keyId) throw notFound(`Grant ID ${grantId} not found`);
  return grant;
}

/** A user, role, session or account that is there, or an AWS service. @throws ServiceError InvalidArnException */
function requirePrincipal({ identity }: KmsRequest, principal: string | undefined): void {
  if (principal === undefined || principal.endsWith(".amazonaws.com")) return;
  if (principal.startsWith("arn:") && identity.principalExists(principal)) return;
  throw kmsError("InvalidArnException", `ARN does not refer to a valid principal: ${principal}`);
}

function constraintsOf(input: Input | undefined): Constraints {
  const constraints: { -readonly [K in keyof Constraints]: Constraints[K] } = {};
  if (input?.has("EncryptionContextEquals"))
    constraints.encryptionContextEquals = input.textMap("EncryptionContextEquals");
  if (input?.has("EncryptionContextSubset"))
    constraints.encryptionContextSubset = input.textMap("EncryptionContextSubset");
  const sourceArn = input?.optionalText("SourceArn", { min: 20, max: 2048 });
  if (sourceArn !== undefined) constraints.sourceArn = sourceArn;
  return constraints;
}

function constraintContext(constraints: Constraints): RequestContext {
  if (constraints.encryptionContextEquals !== undefined)
    return { "kms:grantconstrainttype": "EncryptionContextEquals" };
  if (constraints.encryptionContextSubset !== undefined)
    return { "kms:grantconstrainttype": "EncryptionContextSubset" };
  if (constraints.sourceArn !== undefined) return { "kms:grantconstrainttype": "SourceArn" };
  return {};
}

/**
 * Who may make grants only because a grant says so cannot give more than it has: no other operations, and every
 * constraint again.
 *
 * @throws ServiceError AccessDeniedException
 */
function requireNarrower(
  request: KmsRequest,
  key: Key,
  context: RequestContext,
  child: Pick<KeyGrant, "operations"> & Constraints,
): void {
  const decision = request.access.requireKey(request, key, "CreateGrant", context);
  if (!decision.allowed || decision.by === "accountRoot" || decision.by.source.kind !== "grant") return;
  const parent = request.keyring.grants.get(decision.by.sid ?? "");
  if (parent === undefined) return;
  const isNarrower =
    child.operations.every((one) => parent.operations.includes(one)) &&
    (parent.sourceArn === undefined || child.sourceArn === parent.sourceArn) &&
    holds(parent.encryptionContextEquals, child.encryptionContextEquals) &&
    holds(parent.encryptionContextSubset, child.encryptionContextSubset ?? child.encryptionContextEquals);
  if (!isNarrower) {
    throw kmsError(
      "AccessDeniedException",
      `Grant ${parent.grantId} does not allow a grant that gives more than itself.`,
    );
  }
}

function holds(
  wanted: Readonly<Record<string, string>> | undefined,
  given: Readonly<Record<string, string>> | undefined,
): boolean {
  return wanted === undefined || Object.entries(wanted).every(([name, value]) => given?.[name] === value);
}

function isSameGrant(a: KeyGrant, b: KeyGrant): boolean {
  const content = (grant: KeyGrant): string =>
    JSON.stringify([
      grant.name,
      grant.granteePrincipal,
      grant.retiringPrincipal,
      OPERATIONS.filter((one) => grant.operations.includes(one)),
      sortedPairs(grant.encryptionContextEquals),
      sortedPairs(grant.encryptionContextSubset),
    ]);
  return content(a) === content(b);
}

function sortedPairs(map: Readonly<Record<string, string>> = {}): readonly [string, string][] {
  return Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Whether an ARN names the one who calls: itself, its role, or its account. */
function isPrincipal(arn: string, principal: Principal): boolean {
  switch (principal.kind) {
    case "root":
    case "user":
      return arn === principal.arn || arn === `arn:aws:iam::${principal.accountId}:root`;
    case "session":
      return arn === principal.arn || arn === principal.roleArn || arn === `arn:aws:iam::${principal.accountId}:root`;
    case "service":
      return arn === principal.service;
    case "anonymous":
      return false;
    default:
      return unreachable(principal);
  }
}

function printGrants(request: KmsRequest, grants: readonly KeyGrant[]): Readonly<Record<string, unknown>> {
  const { items, members } = request.page(grants, (one) => one.grantId, { normal: 50, max: 100 });
  return { Grants: items.map((one) => printGrant(request, one)), ...members };
}

function printGrant({ keyring }: KmsRequest, grant: KeyGrant): Readonly<Record<string, unknown>> {
  const { encryptionContextEquals, encryptionContextSubset, sourceArn, retiringPrincipal, name } = grant;
  const key = keyring.key(grant.keyId);
  const constraints = {
    ...(encryptionContextEquals === undefined ? {} : { EncryptionContextEquals: encryptionContextEquals }),
    ...(encryptionContextSubset === undefined ? {} : { EncryptionContextSubset: encryptionContextSubset }),
    ...(sourceArn === undefined ? {} : { SourceArn: sourceArn }),
  };
  return {
    KeyId: key === undefined ? grant.keyId : keyArn(key),
    GrantId: grant.grantId,
    Name: name ?? "",
    CreationDate: seconds(grant.createdAtMs),
    GranteePrincipal: grant.granteePrincipal,
    ...(retiringPrincipal === undefined ? {} : { RetiringPrincipal: retiringPrincipal }),
    IssuingAccount: grant.issuingAccount,
    Operations: grant.operations,
    ...(Object.keys(constraints).length === 0 ? {} : { Constraints: constraints }),
  };
}
