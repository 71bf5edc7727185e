/** ACLs as requests carry them: `x-amz-acl`, `x-amz-grant-*`, and the document `AccessControlPolicy`. */
import type { AclGrant } from "../../../core/model.ts";
import { child, childrenNamed, childText, type XmlElement } from "../../../core/xml.ts";
import type { AclWish } from "../acl-wish.ts";
import { invalidArgument, invalidRequest, s3Error } from "../errors.ts";

type Headers = Readonly<Record<string, string>>;

const GRANT_HEADERS: Readonly<Record<string, AclGrant["permission"]>> = {
  "x-amz-grant-full-control": "FULL_CONTROL",
  "x-amz-grant-read": "READ",
  "x-amz-grant-read-acp": "READ_ACP",
  "x-amz-grant-write": "WRITE",
  "x-amz-grant-write-acp": "WRITE_ACP",
};

/** @throws ServiceError InvalidRequest, InvalidArgument, UnresolvableGrantByEmailAddress */
export function aclWishOf(headers: Headers): AclWish | undefined {
  const name = headers["x-amz-acl"];
  let sent: Record<string, string> | undefined;
  for (const header in GRANT_HEADERS) {
    const value = headers[header];
    if (value !== undefined) sent = { ...sent, [header]: value };
  }
  if (sent === undefined) return name === undefined ? undefined : { kind: "canned", name };
  if (name !== undefined) throw invalidRequest("Specifying both Canned ACLs and Header Grants is not allowed");
  const grants = Object.entries(sent).flatMap(([header, value]) => granteesOf(header, value));
  return { kind: "grants", grants, headers: sent };
}

const GRANTEE = /^(id|uri|emailAddress)\s*=\s*(?:"([^"]*)"|([^"\s]+))$/i;

/** `id="…", uri="…"`; quotes may be left out. */
function granteesOf(header: string, value: string): AclGrant[] {
  const permission = GRANT_HEADERS[header] ?? "READ";
  return value.split(",").map((text): AclGrant => {
    const found = GRANTEE.exec(text.trim());
    const name = found?.[2] ?? found?.[3] ?? "";
    const type = found?.[1]?.toLowerCase();
    if (type === undefined || name === "") {
      throw invalidArgument(header, value, "Argument format not recognized");
    }
    if (type === "emailaddress") throw s3Error("UnresolvableGrantByEmailAddress");
    return { grantee: type === "uri" ? { kind: "group", uri: name } : { kind: "user", id: name }, permission };
  });
}

const PERMISSIONS: ReadonlySet<string> = new Set(Object.values(GRANT_HEADERS));

/** @param root an `AccessControlPolicy` @throws ServiceError MalformedACLError, UnresolvableGrantByEmailAddress */
export function aclWishOfDocument(root: XmlElement): AclWish {
  const owner = child(root, "Owner");
  const ownerId = owner === undefined ? undefined : childText(owner, "ID");
  const list = child(root, "AccessControlList");
  if (ownerId === undefined || list === undefined) throw s3Error("MalformedACLError");
  return { kind: "grants", ownerId, grants: childrenNamed(list, "Grant").map(grantOf) };
}

/** @param grant a `Grant` */
export function grantOf(grant: XmlElement): AclGrant {
  const grantee = child(grant, "Grantee");
  const permission = childText(grant, "Permission") ?? "";
  if (grantee === undefined || !PERMISSIONS.has(permission)) throw s3Error("MalformedACLError");
  if (childText(grantee, "EmailAddress") !== undefined) throw s3Error("UnresolvableGrantByEmailAddress");
  const id = childText(grantee, "ID");
  const uri = childText(grantee, "URI");
  const granted = permission as AclGrant["permission"];
  if (uri !== undefined) return { grantee: { kind: "group", uri }, permission: granted };
  if (id === undefined) throw s3Error("MalformedACLError");
  return { grantee: { kind: "user", id }, permission: granted };
}
