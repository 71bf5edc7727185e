/** What AWS Organizations keeps. Records are immutable: a change replaces the whole record. */

export type PolicyType = "SERVICE_CONTROL_POLICY" | "RESOURCE_CONTROL_POLICY";

/** The types that cap requests; AWS has others, which the lab does not. */
export const POLICY_TYPES: readonly PolicyType[] = ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"];

export interface Organization {
  /** o-… */
  readonly id: string;
  readonly managementAccountId: string;
  /** r-…; an organisation has one root. */
  readonly rootId: string;
  /** Enabled ones. */
  readonly policyTypes: readonly PolicyType[];
}

export interface Unit {
  /** ou-… */
  readonly id: string;
  readonly organizationId: string;
  /** Of the root or the unit that holds it. */
  readonly parentId: string;
  readonly name: string;
}

export interface Member {
  readonly accountId: string;
  readonly organizationId: string;
  readonly parentId: string;
  readonly name: string;
  readonly email: string;
  readonly joinedBy: "INVITED" | "CREATED";
  readonly joinedAtMs: number;
  /** car-…; of the request that made the account. */
  readonly createRequestId?: string;
}

export interface Policy {
  /** p-… */
  readonly id: string;
  /** Of AWS's own policies "aws". */
  readonly organizationId: string;
  readonly type: PolicyType;
  readonly name: string;
  readonly description: string;
  /** JSON text. */
  readonly content: string;
}

export interface Attachment {
  readonly policyId: string;
  /** r-…, ou-… or an account's number. */
  readonly targetId: string;
  readonly organizationId: string;
}

/** An invitation to join. */
export interface Handshake {
  /** h-… */
  readonly id: string;
  readonly organizationId: string;
  readonly accountId: string;
  readonly state: "OPEN" | "ACCEPTED";
  readonly requestedAtMs: number;
}

/** How long an invitation stands. */
export const INVITATION_MS = 15 * 24 * 60 * 60 * 1000;

type ArnKind = "organization" | "root" | "ou" | "account" | "handshake";

/** @param id what follows the organisation's id; none for the organisation itself */
export function organizationArn(
  { id: organizationId, managementAccountId }: Pick<Organization, "id" | "managementAccountId">,
  kind: ArnKind,
  id?: string,
): string {
  const of = `arn:aws:organizations::${managementAccountId}:${kind}/${organizationId}`;
  return id === undefined ? of : `${of}/${id}`;
}

export function policyArn(organization: Pick<Organization, "id" | "managementAccountId">, policy: Policy): string {
  const type = policy.type.toLowerCase();
  return isAwsManaged(policy)
    ? `arn:aws:organizations::aws:policy/${type}/${policy.id}`
    : `arn:aws:organizations::${organization.managementAccountId}:policy/${organization.id}/${type}/${policy.id}`;
}

export function isAwsManaged(policy: Policy): boolean {
  return policy.organizationId === "aws";
}
