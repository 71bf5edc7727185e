/**
 * IAM and STS of the lab put together: `Identity` for the other services, and the two skins.
 *
 * Knows the order of construction; the work is done in the files beside it.
 */

import { parseArn } from "../../core/arn.ts";
import { assert } from "../../core/assert.ts";
import type { RoleFacts } from "../../core/diagnose/facts.ts";
import type { Database } from "../../ledger/database.ts";
import type { Authoriser, Identity, Skin } from "../model.ts";
import type { Secrets } from "../secrets.ts";
import { Callers, unwrapSecret, wrapSecret } from "./callers.ts";
import { Directory } from "./directory.ts";
import { CompiledDocuments } from "./documents.ts";
import { accessDenied } from "./errors.ts";
import { IAM_OPERATIONS } from "./iam/operations.ts";
import { IamRequest } from "./iam/request.ts";
import { secretAccessKey, uniqueId } from "./ids.ts";
import type { AccessKey, Account } from "./model.ts";
import { type PlacedAccount, placeAccount, placeRole } from "./place.ts";
import { pinPrincipals, principalExists, showPrincipals } from "./principals.ts";
import { createQuerySkin } from "./query.ts";
import { Sessions } from "./sessions.ts";
import { assumeForService, stsOperations } from "./sts.ts";

export interface IdentityOptions {
  /** `lab.db`; its records are read at once. */
  readonly database: Database;
  readonly secrets: Secrets;
  readonly authoriser: Authoriser;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

export interface IdentityService {
  readonly identity: Identity;
  readonly iamSkin: Skin;
  readonly stsSkin: Skin;
  /** See `placeAccount`. */
  placeAccount(account: PlacedAccount): Promise<void>;
  /** See `placeRole`. */
  placeRole(role: RoleFacts): Promise<void>;
}

const ACCOUNT_ID = /^\d{12}$/;

/** @throws SecretsError when the stored credentials were written under another root key */
export function createIdentity(options: IdentityOptions): IdentityService {
  const { database, secrets, authoriser, clock } = options;
  const directory = new Directory(database);
  const documents = new CompiledDocuments();
  const callers = new Callers(directory, documents, secrets);
  const sessions = new Sessions(directory, callers, secrets);
  for (const key of directory.accessKeys.values()) unwrapSecret(secrets, key.accessKeyId, key.wrappedSecret);

  const identity: Identity = {
    credential: (accessKeyId, sessionToken, nowMs) => callers.credential(accessKeyId, sessionToken, nowMs),

    async ensureAccount(accountId) {
      assert(ACCOUNT_ID.test(accountId), `an account id has 12 digits: ${accountId}`);
      const key = await directory.change(() => {
        const [first] = directory.accessKeysOf(accountId, undefined);
        if (first !== undefined) return [first];
        const accessKeyId = uniqueId("AKIA");
        const made: AccessKey = {
          accessKeyId,
          accountId,
          wrappedSecret: wrapSecret(secrets, accessKeyId, secretAccessKey()),
          active: true,
          createdAtMs: clock(),
        };
        const account: Account = directory.accounts.get(accountId) ?? {
          accountId,
          canonicalUserId: Buffer.from(secrets.derive(`canonical user id of ${accountId}`)).toString("hex"),
          createdAtMs: made.createdAtMs,
        };
        return [made, directory.accounts.put(account), directory.accessKeys.put(made)];
      });
      const { accessKeyId, wrappedSecret } = key;
      return { accessKeyId, secretAccessKey: unwrapSecret(secrets, accessKeyId, wrappedSecret) };
    },

    hasAccount: (accountId) => directory.accounts.get(accountId) !== undefined,
    accountIds: () => [...directory.accounts.values()].map((one) => one.accountId).toSorted(),

    canonicalUserId(accountId) {
      const account = directory.accounts.get(accountId);
      assert(account !== undefined, `there is no account ${accountId}`);
      return account.canonicalUserId;
    },

    accountOfCanonicalUserId: (canonicalUserId) => directory.accounts.named(canonicalUserId)?.accountId,

    principalExists: (principal) => principalExists(directory, principal),
    pinPrincipals: (document) => pinPrincipals(directory, document),
    showPrincipals: (document) => showPrincipals(directory, document),

    requirePassRole(caller, { roleArn, service, context }) {
      const { principal } = caller;
      const resourceAccount = parseArn(roleArn)?.account ?? "";
      if (!("accountId" in principal) || principal.accountId !== resourceAccount) {
        throw accessDenied("Cross-account pass role is not allowed.");
      }
      authoriser.require(caller, {
        action: "iam:PassRole",
        resource: roleArn,
        resourceAccount,
        context: { ...context, ...(service === undefined ? {} : { "iam:passedtoservice": service }) },
      });
    },

    assumeForService: (request) => assumeForService({ directory, documents, sessions, authoriser }, request),
  };

  const iam = { directory, authoriser, secrets };
  return {
    identity,
    placeAccount: (account) => placeAccount(directory, account, clock()),
    placeRole: (role) => placeRole(directory, role, clock()),
    iamSkin: createQuerySkin({
      version: "2010-05-08",
      namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
      operations: new Map(
        Object.entries(IAM_OPERATIONS).map(([name, run]) => [name, (call) => run(new IamRequest(iam, call))]),
      ),
    }),
    stsSkin: createQuerySkin({
      version: "2011-06-15",
      namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
      operations: stsOperations({ directory, documents, sessions, authoriser }),
    }),
  };
}
