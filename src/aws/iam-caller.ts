/** The policies of whoever holds the credentials, as far as they may read them themselves. */
import type { IAM } from "@aws-sdk/client-iam";
import type { Principal } from "../core/iam/model.ts";
import { type AwsAccess, clientSettings } from "./access.ts";
import { asked } from "./errors.ts";
import { IamControl, type NamedPolicy } from "./iam.ts";

export interface CallerPolicies {
  readonly principal: Principal;
  /** None of a root user, who needs none. */
  readonly policies: readonly NamedPolicy[];
  readonly boundary?: NamedPolicy;
}

/**
 * Reads the policies of the caller: of a user with those of its groups, of a role with what is attached. Session policies
 * are nowhere to be read.
 *
 * @param arn as GetCallerIdentity tells it
 * @throws AwsError; undefined for callers that have no policies to read, such as federated users
 */
export async function callerPolicies(access: AwsAccess, arn: string): Promise<CallerPolicies | undefined> {
  const [, accountId = "", resource = ""] = /^arn:[^:]+:(?:iam|sts)::(\d{12}):(.+)$/.exec(arn) ?? [];
  if (resource === "root") return { principal: { kind: "root", accountId, arn }, policies: [] };
  const [kind, name = "", sessionName = ""] = [resource.split("/", 1)[0], ...namesOf(resource)];
  if (kind !== "user" && kind !== "assumed-role") return undefined;
  const { IAM } = await import("@aws-sdk/client-iam");
  const iam = new IAM(clientSettings(access));
  try {
    return kind === "user"
      ? await policiesOfUser(iam, new IamControl(access), { arn, accountId, name })
      : await policiesOfRole(iam, new IamControl(access), { arn, accountId, name, sessionName });
  } finally {
    iam.destroy();
  }
}

/** Of a user the name behind its path; of a session the role's name and its own. */
function namesOf(resource: string): string[] {
  const parts = resource.split("/");
  return parts[0] === "user" ? [parts.at(-1) ?? ""] : parts.slice(1);
}

async function policiesOfRole(
  iam: IAM,
  control: IamControl,
  who: { readonly arn: string; readonly accountId: string; readonly name: string; readonly sessionName: string },
): Promise<CallerPolicies> {
  const { Role } = await asked("iam", "GetRole", iam.getRole({ RoleName: who.name }));
  const roleArn = Role?.Arn ?? `arn:aws:iam::${who.accountId}:role/${who.name}`;
  const { arn, accountId, sessionName } = who;
  const limit = Role?.PermissionsBoundary?.PermissionsBoundaryArn;
  return {
    principal: { kind: "session", accountId, arn, roleArn, roleId: Role?.RoleId ?? "", sessionName },
    policies: [...(await control.inlinePolicies(roleArn)), ...(await control.attachedPolicies(roleArn))],
    ...(limit === undefined ? {} : { boundary: await control.managedPolicy(limit) }),
  };
}

/** Lists are read to their first page: a user may have ten policies and be in ten groups. */
async function policiesOfUser(
  iam: IAM,
  control: IamControl,
  { arn, accountId, name: UserName }: { readonly arn: string; readonly accountId: string; readonly name: string },
): Promise<CallerPolicies> {
  const { User } = await asked("iam", "GetUser", iam.getUser({ UserName }));
  const policies: NamedPolicy[] = [];
  const add = (name: string, document: string | undefined) =>
    policies.push({ name, document: decodeURIComponent(document ?? "") });
  const addManaged = async (attached: readonly { readonly PolicyArn?: string | undefined }[] = []) => {
    for (const { PolicyArn } of attached) {
      if (PolicyArn !== undefined) policies.push(await control.managedPolicy(PolicyArn));
    }
  };
  const inline = await asked("iam", "ListUserPolicies", iam.listUserPolicies({ UserName }));
  for (const PolicyName of inline.PolicyNames ?? []) {
    add(PolicyName, (await asked("iam", "GetUserPolicy", iam.getUserPolicy({ UserName, PolicyName }))).PolicyDocument);
  }
  const attached = await asked("iam", "ListAttachedUserPolicies", iam.listAttachedUserPolicies({ UserName }));
  await addManaged(attached.AttachedPolicies);
  const { Groups = [] } = await asked("iam", "ListGroupsForUser", iam.listGroupsForUser({ UserName }));
  for (const { GroupName = "" } of Groups) {
    const ofGroup = await asked("iam", "ListGroupPolicies", iam.listGroupPolicies({ GroupName }));
    for (const PolicyName of ofGroup.PolicyNames ?? []) {
      const request = { GroupName, PolicyName };
      add(PolicyName, (await asked("iam", "GetGroupPolicy", iam.getGroupPolicy(request))).PolicyDocument);
    }
    const managed = await asked("iam", "ListAttachedGroupPolicies", iam.listAttachedGroupPolicies({ GroupName }));
    await addManaged(managed.AttachedPolicies);
  }
  const limit = User?.PermissionsBoundary?.PermissionsBoundaryArn;
  return {
    principal: { kind: "user", accountId, arn, userId: User?.UserId ?? "" },
    policies,
    ...(limit === undefined ? {} : { boundary: await control.managedPolicy(limit) }),
  };
}
