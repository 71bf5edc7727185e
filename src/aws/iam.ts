/** IAM roles and their policies, read and written through the AWS SDK. Policy documents are JSON text. */
import type { IAM } from "@aws-sdk/client-iam";
import { parseArn } from "../core/arn.ts";
import { type AwsAccess, clientSettings } from "./access.ts";
import { asked, askedFor } from "./errors.ts";

export interface RoleDescription {
  readonly arn: string;
  readonly name: string;
  /** AROA… */
  readonly roleId: string;
  readonly trust: string;
  readonly boundaryArn?: string;
}

export interface NamedPolicy {
  readonly name: string;
  /** Of managed policies. */
  readonly arn?: string;
  readonly document: string;
}

/** Managed policies keep at most five versions. */
const POLICY_VERSIONS_MAX = 5;

export class IamControl {
  readonly #access: AwsAccess;
  #client: Promise<IAM> | undefined;

  constructor(access: AwsAccess) {
    this.#access = access;
  }

  /** Undefined when there is no such role. @throws AwsError */
  async role(roleArn: string): Promise<RoleDescription | undefined> {
    const iam = await this.#iam();
    const answer = await askedFor(
      "iam",
      "GetRole",
      ["NoSuchEntityException", "NoSuchEntity"],
      iam.getRole({ RoleName: roleName(roleArn) }),
    );
    const role = answer?.Role;
    // The name is looked up in the caller's account and without its path: the ARN tells whether it is the one meant.
    if (role?.Arn !== roleArn) return undefined;
    const boundaryArn = role.PermissionsBoundary?.PermissionsBoundaryArn;
    return {
      arn: roleArn,
      name: role.RoleName ?? roleName(roleArn),
      roleId: role.RoleId ?? "",
      trust: decodeURIComponent(role.AssumeRolePolicyDocument ?? ""),
      ...(boundaryArn === undefined ? {} : { boundaryArn }),
    };
  }

  /** @throws AwsError */
  async inlinePolicies(roleArn: string): Promise<NamedPolicy[]> {
    const iam = await this.#iam();
    const RoleName = roleName(roleArn);
    const policies: NamedPolicy[] = [];
    let Marker: string | undefined;
    do {
      const marker: { Marker?: string } = Marker === undefined ? {} : { Marker };
      const page = await asked("iam", "ListRolePolicies", iam.listRolePolicies({ RoleName, ...marker }));
      for (const PolicyName of page.PolicyNames ?? []) {
        const { PolicyDocument } = await asked("iam", "GetRolePolicy", iam.getRolePolicy({ RoleName, PolicyName }));
        policies.push({ name: PolicyName, document: decodeURIComponent(PolicyDocument ?? "") });
      }
      Marker = page.IsTruncated === true ? page.Marker : undefined;
    } while (Marker !== undefined);
    return policies;
  }

  /** @throws AwsError */
  async attachedPolicies(roleArn: string): Promise<NamedPolicy[]> {
    const iam = await this.#iam();
    const RoleName = roleName(roleArn);
    const policies: NamedPolicy[] = [];
    let Marker: string | undefined;
    do {
      const marker: { Marker?: string } = Marker === undefined ? {} : { Marker };
      const page = await asked(
        "iam",
        "ListAttachedRolePolicies",
        iam.listAttachedRolePolicies({ RoleName, ...marker }),
      );
      for (const { PolicyArn } of page.AttachedPolicies ?? []) {
        if (PolicyArn !== undefined) policies.push(await this.managedPolicy(PolicyArn));
      }
      Marker = page.IsTruncated === true ? page.Marker : undefined;
    } while (Marker !== undefined);
    return policies;
  }

  /** The default version of a managed policy. @throws AwsError */
  async managedPolicy(policyArn: string): Promise<NamedPolicy> {
    const iam = await this.#iam();
    const { Policy } = await asked("iam", "GetPolicy", iam.getPolicy({ PolicyArn: policyArn }));
    const request = { PolicyArn: policyArn, VersionId: Policy?.DefaultVersionId ?? "" };
    const { PolicyVersion } = await asked("iam", "GetPolicyVersion", iam.getPolicyVersion(request));
    return {
      name: Policy?.PolicyName ?? policyArn,
      arn: policyArn,
      document: decodeURIComponent(PolicyVersion?.Document ?? ""),
    };
  }

  /** @throws AwsError */
  async putInlinePolicy(roleArn: string, name: string, document: string): Promise<void> {
    const iam = await this.#iam();
    const request = { RoleName: roleName(roleArn), PolicyName: name, PolicyDocument: document };
    await asked("iam", "PutRolePolicy", iam.putRolePolicy(request));
  }

  /** @throws AwsError */
  async deleteInlinePolicy(roleArn: string, name: string): Promise<void> {
    const iam = await this.#iam();
    const request = { RoleName: roleName(roleArn), PolicyName: name };
    await asked("iam", "DeleteRolePolicy", iam.deleteRolePolicy(request));
  }

  /** Makes a new default version; the oldest other one makes room when there are five. @throws AwsError */
  async setManagedPolicy(policyArn: string, document: string): Promise<void> {
    const iam = await this.#iam();
    const { Versions = [] } = await asked(
      "iam",
      "ListPolicyVersions",
      iam.listPolicyVersions({ PolicyArn: policyArn }),
    );
    if (Versions.length >= POLICY_VERSIONS_MAX) {
      const oldest = Versions.filter((one) => one.IsDefaultVersion !== true)
        .sort((a, b) => (a.CreateDate?.getTime() ?? 0) - (b.CreateDate?.getTime() ?? 0))
        .at(0);
      const request = { PolicyArn: policyArn, VersionId: oldest?.VersionId ?? "" };
      await asked("iam", "DeletePolicyVersion", iam.deletePolicyVersion(request));
    }
    const request = { PolicyArn: policyArn, PolicyDocument: document, SetAsDefault: true };
    await asked("iam", "CreatePolicyVersion", iam.createPolicyVersion(request));
  }

  /** @throws AwsError */
  async setTrustPolicy(roleArn: string, document: string): Promise<void> {
    const iam = await this.#iam();
    const request = { RoleName: roleName(roleArn), PolicyDocument: document };
    await asked("iam", "UpdateAssumeRolePolicy", iam.updateAssumeRolePolicy(request));
  }

  /** @throws AwsError */
  async createRole(name: string, trust: string): Promise<string> {
    const iam = await this.#iam();
    const request = { RoleName: name, AssumeRolePolicyDocument: trust };
    const { Role } = await asked("iam", "CreateRole", iam.createRole(request));
    return Role?.Arn ?? "";
  }

  /** Of a role without policies. @throws AwsError */
  async deleteRole(roleArn: string): Promise<void> {
    const iam = await this.#iam();
    await asked("iam", "DeleteRole", iam.deleteRole({ RoleName: roleName(roleArn) }));
  }

  async #iam(): Promise<IAM> {
    this.#client ??= import("@aws-sdk/client-iam").then((sdk) => new sdk.IAM(clientSettings(this.#access)));
    return await this.#client;
  }
}

/** The name is what follows the last slash: IAM is asked without the path. */
export function roleName(roleArn: string): string {
  const resource = parseArn(roleArn)?.resource ?? roleArn;
  return resource.slice(resource.lastIndexOf("/") + 1);
}
