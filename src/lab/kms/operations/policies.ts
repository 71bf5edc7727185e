/** Key policies. Each key has one, called `default`. */
import type { CompiledPolicy } from "../../../core/iam/compile.ts";
import { malformedPolicy, notFound } from "../errors.ts";
import { compileKeyPolicy } from "../keyring.ts";
import { type Key, keyArn } from "../model.ts";
import { checkedKeyPolicy } from "../policies.ts";
import type { KmsOperation, KmsRequest } from "../request.ts";
import { POLICY } from "./keys.ts";

export const getKeyPolicy: KmsOperation = async (request) => {
  const key = request.ownKey();
  requireDefaultName(request);
  return { Policy: request.identity.showPrincipals(key.policy), PolicyName: "default" };
};

export const putKeyPolicy: KmsOperation = async (request) => {
  const { input, keyring, identity } = request;
  const bypass = input.flag("BypassPolicyLockoutSafetyCheck");
  const found = request.ownKey({ "kms:bypasspolicylockoutsafetycheck": String(bypass) });
  requireDefaultName(request);
  const policy = checkedKeyPolicy(identity, input.text("Policy", POLICY));
  if (!bypass) requireNoLockout(request, found, compileKeyPolicy(policy, keyArn(found)));
  await keyring.change(() => [undefined, keyring.keys.put({ ...request.current(found), policy })]);
  return undefined;
};

export const listKeyPolicies: KmsOperation = async (request) => {
  request.ownKey();
  return { PolicyNames: ["default"], Truncated: false };
};

/** @throws ServiceError MalformedPolicyDocumentException when the caller could not change the policy any more */
export function requireNoLockout(request: KmsRequest, key: Key, policy: CompiledPolicy): void {
  if (request.access.wouldAllow(request, key, "PutKeyPolicy", policy)) return;
  throw malformedPolicy("The new key policy will not allow you to update the key policy in the future.");
}

function requireDefaultName(request: KmsRequest): void {
  const name = request.input.optionalText("PolicyName") ?? "default";
  if (name !== "default") throw notFound(`No such policy exists: ${name}`);
}
