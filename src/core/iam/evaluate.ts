/** Decides requests by compiled policies. */
import type { CompiledPolicy } from "./compile.ts";
import type { AccessRequest, Decision, Grant, ResourceRule } from "./model.ts";

/** Every policy that has a say in one decision. What does not apply is absent; an empty list means "there are none". */
export interface Policies {
  /** Of the user or role that asks. */
  readonly identity: readonly CompiledPolicy[];
  readonly boundary?: CompiledPolicy;
  readonly session?: readonly CompiledPolicy[];
  /** The resource's own: bucket policy, key policy, trust policy. */
  readonly resource?: CompiledPolicy;
  readonly resourceRule: ResourceRule;
  /** KMS only. */
  readonly grants?: readonly Grant[];
  /** From the organisation's root to the account of the principal: each level must allow. */
  readonly scps?: readonly (readonly CompiledPolicy[])[];
  /** The same for the account of the resource. */
  readonly rcps?: readonly (readonly CompiledPolicy[])[];
  readonly vpcEndpoint?: CompiledPolicy;
}

/** Decides one request. Pure and total. */
export function evaluate(_request: AccessRequest, _policies: Policies): Decision {
  return { allowed: false, because: "noAllow", missing: ["identity"] };
}
