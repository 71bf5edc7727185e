/** Records of IAM as the elements of its answers. */
import type { XmlNode } from "../../../core/xml.ts";
import type { Directory } from "../directory.ts";
import { encodeDocument } from "../documents.ts";
import {
  type Group,
  type Holder,
  holderArn,
  type ManagedPolicy,
  type PolicyVersion,
  type Role,
  type Tags,
  type User,
} from "../model.ts";
import { showPrincipals } from "../principals.ts";

/** Whole seconds, in ISO 8601. */
export function printTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** A list: each item's elements in a `member` of their own. */
export function printMembers(name: string, items: readonly (string | readonly XmlNode[])[]): XmlNode {
  return [name, items.map((item) => ["member", item])];
}

/** The elements of a user; lists leave the details (boundary and tags) out. */
export function printUser(user: User, details: boolean): XmlNode[] {
  return [...printHolder(user, "User"), ...(details ? printDetails(user) : [])];
}

export function printGroup(group: Group): XmlNode[] {
  return printHolder(group, "Group");
}

/** The elements of a role; lists leave the details (boundary and tags) out. */
export function printRole(role: Role, directory: Directory, details: boolean): XmlNode[] {
  return [
    ...printHolder(role, "Role"),
    ["AssumeRolePolicyDocument", encodeDocument(showPrincipals(directory, role.trust))],
    ["Description", role.description === "" ? undefined : role.description],
    ["MaxSessionDuration", role.maxSessionSeconds],
    ...(details ? [...printDetails(role), ["RoleLastUsed", []] as const] : []),
  ];
}

export function printPolicy(
  policy: ManagedPolicy,
  directory: Directory,
  accountId: string,
  details: boolean,
): XmlNode[] {
  const { attached, bounded } = directory.usesOf(policy.arn, accountId);
  return [
    ["PolicyName", policy.name],
    ["PolicyId", policy.id],
    ["Arn", policy.arn],
    ["Path", policy.path],
    ["DefaultVersionId", policy.defaultVersionId],
    ["AttachmentCount", attached.length],
    ["PermissionsBoundaryUsageCount", bounded.length],
    ["IsAttachable", true],
    ["Description", details && policy.description !== "" ? policy.description : undefined],
    ["CreateDate", printTime(policy.createdAtMs)],
    ["UpdateDate", printTime(policy.updatedAtMs)],
    details ? printTags(policy.tags) : undefined,
  ];
}

/** The elements of one version; lists leave the document out. */
export function printVersion(policy: ManagedPolicy, version: PolicyVersion, details: boolean): XmlNode[] {
  return [
    ["Document", details ? encodeDocument(version.document) : undefined],
    ["VersionId", version.id],
    ["IsDefaultVersion", version.id === policy.defaultVersionId],
    ["CreateDate", printTime(version.createdAtMs)],
  ];
}

export function printTags(tags: Tags): XmlNode {
  return printMembers(
    "Tags",
    Object.entries(tags).map(([key, value]) => [
      ["Key", key],
      ["Value", value],
    ]),
  );
}

function printHolder(holder: Holder, title: "User" | "Role" | "Group"): XmlNode[] {
  return [
    ["Path", holder.path],
    [`${title}Name`, holder.name],
    [`${title}Id`, holder.id],
    ["Arn", holderArn(holder)],
    ["CreateDate", printTime(holder.createdAtMs)],
  ];
}

function printDetails(holder: User | Role): XmlNode[] {
  const boundary: XmlNode =
    holder.boundary === undefined
      ? undefined
      : [
          "PermissionsBoundary",
          [
            ["PermissionsBoundaryType", "Policy"],
            ["PermissionsBoundaryArn", holder.boundary],
          ],
        ];
  return [boundary, Object.keys(holder.tags).length === 0 ? undefined : printTags(holder.tags)];
}
