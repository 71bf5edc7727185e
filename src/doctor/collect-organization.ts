/**
 * Reads how an organisation caps the accounts of a replication. What the caller may not read, which in most accounts is
 * everything but the organisation's id, is recorded with the reason.
 */
import { AwsError } from "../aws/errors.ts";
import type { OrganizationsControl } from "../aws/organizations.ts";
import type { OrganizationFacts, Read } from "../core/diagnose/facts.ts";
import { unreadable, whyUnread } from "./read.ts";

/**
 * @param asking   the account that asks
 * @param accounts those whose policies have a say; repeated and empty ones are left out
 */
export async function collectOrganization(
  organizations: OrganizationsControl,
  asking: string,
  accounts: readonly string[],
): Promise<Read<OrganizationFacts>> {
  let organization: Awaited<ReturnType<OrganizationsControl["describe"]>>;
  try {
    organization = await organizations.describe();
  } catch (error) {
    if (error instanceof AwsError) return unreadable(error);
    throw error;
  }
  if (organization === undefined) return { state: "absent" };
  const { id, managementAccountId } = organization;
  const known: Record<string, string> = { [managementAccountId]: "" };
  const scps: Record<string, OrganizationFacts["scps"][string]> = {};
  const rcps: Record<string, OrganizationFacts["rcps"][string]> = {};
  const unread: Record<string, string> = {};
  for (const account of new Set(accounts.filter((one) => one !== ""))) {
    try {
      const standing = await organizations.levels(account);
      known[account] = `${id}/${standing.path}`;
      scps[account] = standing.scps;
      rcps[account] = standing.rcps;
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      if (account !== managementAccountId) unread[account] = whyUnread(error);
      // Whoever is told which organisation it is in, and nothing more, is a member of it.
      if (account === asking && error.code === "AccessDeniedException") known[account] ??= "";
    }
  }
  return { state: "read", value: { id, managementAccountId, accounts: known, scps, rcps, unread } };
}
