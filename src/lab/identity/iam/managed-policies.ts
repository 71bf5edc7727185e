/** Customer managed policies and their versions; AWS's own can be read only. */

import type { TextRule } from "../../constraints.ts";
import { AWS_MANAGED_POLICIES } from "../aws-managed.ts";
import { checkDocument, documentSize } from "../documents.ts";
import { accessDenied, alreadyExists, deleteConflict, limitExceeded, noSuchEntity, quotaExceeded } from "../errors.ts";
import { uniqueId } from "../ids.ts";
import type { ManagedPolicy, PolicyVersion } from "../model.ts";
import { printMembers, printPolicy, printVersion } from "./print.ts";
import { type IamOperation, type IamRequest, requestTagContext } from "./request.ts";
import { DESCRIPTION, DOCUMENT, MANAGED_SIZE_MAX, PATH_PREFIX, POLICY_NAME, VERSIONS_MAX } from "./rules.ts";
import { tagsOf } from "./tags.ts";

const VERSION_ID: TextRule = { pattern: /^v[1-9][0-9]*(?:\.[A-Za-z0-9-]*)?$/ };

export const createPolicy: IamOperation = async (request) => {
  const { directory, accountId, parameters, nowMs } = request;
  const name = parameters.required("PolicyName", POLICY_NAME);
  const path = request.path();
  const document = parameters.required("PolicyDocument", DOCUMENT);
  const description = parameters.optional("Description", DESCRIPTION) ?? "";
  const tags = tagsOf(request);
  const arn = `arn:aws:iam::${accountId}:policy${path}${name}`;
  request.authorise(arn, requestTagContext(tags));
  checkManaged(document);
  const made = await directory.change(() => {
    if (directory.policyNameIsTaken(accountId, name)) {
      throw alreadyExists(`A policy called ${name} already exists. Duplicate names are not allowed.`);
    }
    const policy: ManagedPolicy = {
      arn,
      id: uniqueId("ANPA"),
      accountId,
      name,
      path,
      description,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      tags,
      versions: [{ id: "v1", document, createdAtMs: nowMs }],
      defaultVersionId: "v1",
      nextVersion: 2,
    };
    return [policy, directory.policies.put(policy)];
  });
  return [["Policy", printPolicy(made, directory, accountId, true)]];
};

export const getPolicy: IamOperation = async (request) => {
  const policy = request.policy(request.authorisedPolicyArn());
  return [["Policy", printPolicy(policy, request.directory, request.accountId, true)]];
};

export const listPolicies: IamOperation = async (request) => {
  const { directory, accountId, parameters } = request;
  const scope = parameters.optional("Scope", { oneOf: ["All", "AWS", "Local"] }) ?? "All";
  const usage = parameters.optional("PolicyUsageFilter", { oneOf: ["PermissionsPolicy", "PermissionsBoundary"] });
  const onlyAttached = parameters.flag("OnlyAttached");
  const prefix = parameters.optional("PathPrefix", PATH_PREFIX) ?? "/";
  request.authorise(`arn:aws:iam::${accountId}:policy${prefix}`);

  const isWanted = (policy: ManagedPolicy): boolean => {
    if (!policy.path.startsWith(prefix)) return false;
    if (!onlyAttached && usage === undefined) return true;
    const { attached, bounded } = directory.usesOf(policy.arn, accountId);
    const uses =
      usage === "PermissionsPolicy" ? attached : usage === "PermissionsBoundary" ? bounded : [...attached, ...bounded];
    return uses.length > 0;
  };
  const candidates = [
    ...(scope === "AWS" ? [] : [...directory.policies.values()].filter((one) => one.accountId === accountId)),
    ...(scope === "Local" ? [] : AWS_MANAGED_POLICIES.values()),
  ];
  const { items, nodes } = request.page(candidates.filter(isWanted), (one) => `${one.name} ${one.accountId}`);
  return [
    printMembers(
      "Policies",
      items.map((one) => printPolicy(one, directory, accountId, false)),
    ),
    ...nodes,
  ];
};

/** The default version goes with the policy; other versions have to be deleted before. */
export const deletePolicy: IamOperation = async (request) => {
  const { directory, accountId } = request;
  const arn = request.authorisedPolicyArn();
  await directory.change(() => {
    const policy = ownPolicy(request, arn);
    const { attached, bounded } = directory.usesOf(arn, accountId);
    if (attached.length + bounded.length > 0) throw deleteConflict("Cannot delete a policy attached to entities.");
    if (policy.versions.length > 1) {
      throw deleteConflict(
        "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. " +
          "The default version is deleted with the policy.",
      );
    }
    return [undefined, directory.policies.remove(policy)];
  });
  return undefined;
};

export const createPolicyVersion: IamOperation = async (request) => {
  const { directory, parameters, nowMs } = request;
  const document = parameters.required("PolicyDocument", DOCUMENT);
  const isDefault = parameters.flag("SetAsDefault");
  const arn = request.authorisedPolicyArn();
  checkManaged(document);
  const [policy, version] = await directory.change(() => {
    const before = ownPolicy(request, arn);
    if (before.versions.length >= VERSIONS_MAX) {
      throw limitExceeded(
        `A managed policy can have up to ${VERSIONS_MAX} versions. Before you create a new version, you must delete an existing version.`,
      );
    }
    const added: PolicyVersion = { id: `v${before.nextVersion}`, document, createdAtMs: nowMs };
    const after: ManagedPolicy = {
      ...before,
      versions: [...before.versions, added],
      defaultVersionId: isDefault ? added.id : before.defaultVersionId,
      nextVersion: before.nextVersion + 1,
      updatedAtMs: nowMs,
    };
    return [[after, added] as const, directory.policies.put(after)];
  });
  return [["PolicyVersion", printVersion(policy, version, false)]];
};

export const getPolicyVersion: IamOperation = async (request) => {
  const versionId = request.parameters.required("VersionId", VERSION_ID);
  const policy = request.policy(request.authorisedPolicyArn());
  return [["PolicyVersion", printVersion(policy, versionOf(policy, versionId), true)]];
};

/** The newest first. */
export const listPolicyVersions: IamOperation = async (request) => {
  const policy = request.policy(request.authorisedPolicyArn());
  const { items, nodes } = request.page(policy.versions, (one) => String(1e9 - Number(one.id.slice(1))));
  return [
    printMembers(
      "Versions",
      items.map((one) => printVersion(policy, one, false)),
    ),
    ...nodes,
  ];
};

export const setDefaultPolicyVersion: IamOperation = async (request) => {
  const { directory, nowMs } = request;
  const versionId = request.parameters.required("VersionId", VERSION_ID);
  const arn = request.authorisedPolicyArn();
  await directory.change(() => {
    const policy = ownPolicy(request, arn);
    const defaultVersionId = versionOf(policy, versionId).id;
    return [undefined, directory.policies.put({ ...policy, defaultVersionId, updatedAtMs: nowMs })];
  });
  return undefined;
};

export const deletePolicyVersion: IamOperation = async (request) => {
  const { directory, nowMs } = request;
  const versionId = request.parameters.required("VersionId", VERSION_ID);
  const arn = request.authorisedPolicyArn();
  await directory.change(() => {
    const policy = ownPolicy(request, arn);
    const removed = versionOf(policy, versionId);
    if (removed.id === policy.defaultVersionId) throw deleteConflict("Cannot delete the default version of a policy.");
    const versions = policy.versions.filter((one) => one !== removed);
    return [undefined, directory.policies.put({ ...policy, versions, updatedAtMs: nowMs })];
  });
  return undefined;
};

function checkManaged(document: string): void {
  if (documentSize(document) > MANAGED_SIZE_MAX) throw quotaExceeded("PolicySize", MANAGED_SIZE_MAX);
  checkDocument(document, "identity");
}

/** A policy that the account may change. */
function ownPolicy(request: IamRequest, arn: string): ManagedPolicy {
  const policy = request.policy(arn);
  if (policy.accountId !== request.accountId) throw accessDenied();
  return policy;
}

function versionOf(policy: ManagedPolicy, versionId: string): PolicyVersion {
  const found = policy.versions.find((one) => one.id === versionId);
  if (found === undefined) {
    throw noSuchEntity(`Policy ${policy.arn} version ${versionId} does not exist or is not attachable.`);
  }
  return found;
}
