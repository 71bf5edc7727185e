/** AWS Organizations of the lab put together: its skin, and a way in for accounts that need no invitation. */
import type { OrganizationFacts } from "../../core/diagnose/facts.ts";
import type { Authoriser, Identity, Skin } from "../model.ts";
import { placeOrganization } from "./place.ts";
import { join } from "./placement.ts";
import { createOrganizationsSkin } from "./skin.ts";
import type { OrganizationTree } from "./tree.ts";

export interface OrganizationsOptions {
  readonly tree: OrganizationTree;
  readonly identity: Identity;
  readonly authoriser: Authoriser;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

export interface OrganizationsService {
  readonly organizationsSkin: Skin;
  /**
   * Puts an account, which is made when it is new, into the organisation that another one manages. Nobody is asked.
   *
   * @returns false when the other account manages none, or the account is in another organisation. Idempotent.
   */
  join(managementAccountId: string, accountId: string): Promise<boolean>;
  /** See `placeOrganization`. */
  place(facts: OrganizationFacts): Promise<void>;
}

export function createOrganizations(options: OrganizationsOptions): OrganizationsService {
  const { tree, identity, clock } = options;
  return {
    organizationsSkin: createOrganizationsSkin(options),
    place: (facts) => placeOrganization(tree, facts, clock()),

    async join(managementAccountId, accountId) {
      await identity.ensureAccount(accountId);
      return await tree.change(() => {
        const organization = tree.organizationOf(managementAccountId);
        if (organization?.managementAccountId !== managementAccountId) return [false];
        const member = tree.members.get(accountId);
        if (member !== undefined) return [member.organizationId === organization.id];
        const joined = {
          accountId,
          name: accountId,
          email: `${accountId}@lab.invalid`,
          joinedBy: "INVITED" as const,
          joinedAtMs: clock(),
        };
        return [true, ...join(tree, organization, joined)];
      });
    },
  };
}
