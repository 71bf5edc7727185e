/**
 * Puts accounts and roles into the directory as facts have them: under their own numbers, ids and ARNs. Nobody is asked,
 * and documents are kept as they are, for principals that the lab does not know may well be there in the world.
 */
import { parseArn } from "../../core/arn.ts";
import type { RoleFacts } from "../../core/diagnose/facts.ts";
import type { Directory } from "./directory.ts";
import type { Account, ManagedPolicy, Role } from "./model.ts";

export interface PlacedAccount {
  readonly accountId: string;
  readonly canonicalUserId: string;
}

/** Adds the account, or gives it another canonical user id. */
export async function placeAccount(directory: Directory, placed: PlacedAccount, nowMs: number): Promise<void> {
  const account: Account = { ...placed, createdAtMs: nowMs };
  await directory.change(() => [undefined, directory.accounts.put(account)]);
}

/**
 * Adds a role with all of its policies, or puts this one in the place of the one that has its id.
 *
 * @param role whose documents parse
 */
export async function placeRole(directory: Directory, role: RoleFacts, nowMs: number): Promise<void> {
  const { account = "", resource = "" } = parseArn(role.arn) ?? {};
  const managed = role.policies.flatMap(({ arn, name, document }) =>
    arn === undefined ? [] : [{ arn, name, document }],
  );
  const policies = role.boundary === undefined ? managed : [...managed, role.boundary];
  const holder: Role = {
    kind: "role",
    id: role.roleId,
    accountId: account,
    name: resource.slice(resource.lastIndexOf("/") + 1),
    path: resource.slice("role".length, resource.lastIndexOf("/") + 1),
    createdAtMs: nowMs,
    tags: {},
    inline: Object.fromEntries(
      role.policies.filter((one) => one.kind === "inline").map(({ name, document }) => [name, document]),
    ),
    attached: managed.map((one) => one.arn),
    ...(role.boundary === undefined ? {} : { boundary: role.boundary.arn }),
    trust: role.trust,
    description: "",
    maxSessionSeconds: 3600,
  };
  await directory.change(() => [
    undefined,
    directory.holders.put(holder),
    ...policies.map((one) => directory.policies.put(managedPolicy(one, nowMs))),
  ]);
}

function managedPolicy(
  { arn, name, document }: { readonly arn: string; readonly name: string; readonly document: string },
  nowMs: number,
): ManagedPolicy {
  return {
    arn,
    id: `placed ${arn}`,
    accountId: parseArn(arn)?.account ?? "",
    name,
    path: "/",
    description: "",
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    tags: {},
    versions: [{ id: "v1", document, createdAtMs: nowMs }],
    defaultVersionId: "v1",
    nextVersion: 2,
  };
}
