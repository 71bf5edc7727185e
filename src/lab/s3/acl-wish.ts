/**
 * What a request wants of an ACL, and the list that follows from it: canned ACLs by name, grants in headers, documents.
 * Pure. Whether the caller may, and whether the bucket takes ACLs at all, is judged elsewhere (`ownership.ts`, `acl.ts`).
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html ("Canned ACL")
 */
import type { RequestContext } from "../../core/iam/model.ts";
import type { AccessControlList, AclGrant } from "../../core/model.ts";
import type { Identity } from "../model.ts";
import { ANONYMOUS_ID, GROUPS, isPublicGrant } from "./acl-policy.ts";
import { invalidArgument, s3Error } from "./errors.ts";

export type AclWish =
  | { readonly kind: "canned"; readonly name: string }
  | {
      readonly kind: "grants";
      readonly grants: readonly AclGrant[];
      /** Whom a document calls the owner; of a replica: who owns its source. */
      readonly ownerId?: string;
      /** The grant headers as they came, names in lower case. */
      readonly headers?: Readonly<Record<string, string>>;
    };

/** The two accounts that canned ACLs speak of. */
export interface Owners {
  /** Of the version, or of the bucket whose ACL it is. */
  readonly ownerId: string;
  readonly bucketOwnerId: string;
}

const GRANTS_MAX = 100;

/** What is granted besides the owner's FULL_CONTROL. */
const CANNED: Readonly<Record<string, (owners: Owners) => readonly AclGrant[]>> = {
  private: () => [],
  "public-read": () => [toGroup(GROUPS.allUsers, "READ")],
  "public-read-write": () => [toGroup(GROUPS.allUsers, "READ"), toGroup(GROUPS.allUsers, "WRITE")],
  "authenticated-read": () => [toGroup(GROUPS.authenticatedUsers, "READ")],
  // It lets EC2 read images, which nobody does here.
  "aws-exec-read": () => [],
  "bucket-owner-read": ({ bucketOwnerId }) => [toUser(bucketOwnerId, "READ")],
  "bucket-owner-full-control": ({ bucketOwnerId }) => [toUser(bucketOwnerId, "FULL_CONTROL")],
  "log-delivery-write": () => [toGroup(GROUPS.logDelivery, "WRITE"), toGroup(GROUPS.logDelivery, "READ_ACP")],
};

/** The list that a wish means. Grants replace the owner's own, canned ACLs add to it. @throws ServiceError InvalidArgument */
export function aclOfWish(wish: AclWish, owners: Owners): AccessControlList {
  const { ownerId, bucketOwnerId } = owners;
  if (wish.kind === "grants") return { ownerId, grants: wish.grants };
  const granted = Object.hasOwn(CANNED, wish.name) ? CANNED[wish.name] : undefined;
  if (granted === undefined) throw invalidArgument("x-amz-acl", wish.name, "");
  const others = granted(owners).filter(({ grantee }) => ownerId !== bucketOwnerId || grantee.kind !== "user");
  return { ownerId, grants: [toUser(ownerId, "FULL_CONTROL"), ...others] };
}

/** The list of a version that is its owner's alone. */
export function ownersAcl(ownerId: string): AccessControlList {
  return { ownerId, grants: [toUser(ownerId, "FULL_CONTROL")] };
}

/** Whether nobody but this account is granted anything, and it everything. */
export function isOwnersAlone({ ownerId, grants }: AccessControlList, bucketOwnerId: string): boolean {
  return ownerId === bucketOwnerId && grants.length > 0 && grants.every((one) => isFullControlOf(one, bucketOwnerId));
}

export function isFullControlOf({ grantee, permission }: AclGrant, id: string): boolean {
  return permission === "FULL_CONTROL" && grantee.kind === "user" && grantee.id === id;
}

export function isPublicAcl({ grants }: AccessControlList): boolean {
  return grants.some(isPublicGrant);
}

/** @throws ServiceError for grantees that there are not */
export function checkGrants(grants: readonly AclGrant[], identity: Identity): void {
  if (grants.length > GRANTS_MAX) throw s3Error("MalformedACLError");
  const groups: readonly string[] = Object.values(GROUPS);
  for (const { grantee } of grants) {
    if (grantee.kind === "group") {
      if (!groups.includes(grantee.uri)) throw invalidArgument("uri", grantee.uri, "Invalid group uri");
    } else if (grantee.id !== ANONYMOUS_ID && identity.accountOfCanonicalUserId(grantee.id) === undefined) {
      throw invalidArgument("id", grantee.id, "Invalid id");
    }
  }
}

/** Condition keys: the headers as they were sent. */
export function aclContext(wish: AclWish | undefined): RequestContext {
  if (wish === undefined) return {};
  if (wish.kind === "canned") return { "s3:x-amz-acl": wish.name };
  return Object.fromEntries(Object.entries(wish.headers ?? {}).map(([name, value]) => [`s3:${name}`, value]));
}

function toUser(id: string, permission: AclGrant["permission"]): AclGrant {
  return { grantee: { kind: "user", id }, permission };
}

function toGroup(uri: string, permission: AclGrant["permission"]): AclGrant {
  return { grantee: { kind: "group", uri }, permission };
}
