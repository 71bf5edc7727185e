/**
 * Surroundings of a set-up that spans two accounts: every bucket and key is asked as the account that it belongs to, as
 * somebody does who holds credentials of both.
 */
import type { AwsAccess } from "../../src/aws/access.ts";
import { KmsControl } from "../../src/aws/kms.ts";
import type { Connection } from "../../src/cli/connection.ts";
import { parseArn } from "../../src/core/arn.ts";
import { S3Error } from "../../src/s3/errors.ts";

export interface AccountAccess {
  readonly accountId: string;
  readonly access: AwsAccess;
  readonly connection: Connection;
  /** The Regions whose keys are looked for in this account. */
  readonly regions: readonly string[];
}

/** @param first the account that asks: roles are looked for there only */
export function acrossAccounts(first: AccountAccess, second: AccountAccess): Connection {
  return {
    ...first.connection,
    kms: new KmsOfAccounts([first, second]),
    bucket: async (name) => {
      try {
        return await first.connection.bucket(name);
      } catch (error) {
        if (!(error instanceof S3Error) || error.status !== 403) throw error;
        return await second.connection.bucket(name);
      }
    },
    close: async () => {
      await first.connection.close();
      await second.connection.close();
    },
  };
}

class KmsOfAccounts extends KmsControl {
  readonly #accounts: readonly AccountAccess[];
  readonly #first: AccountAccess;

  constructor(accounts: readonly [AccountAccess, AccountAccess]) {
    super(accounts[0].access);
    this.#accounts = accounts;
    this.#first = accounts[0];
  }

  override key(keyArn: string) {
    return this.#ofKey(keyArn).key(keyArn);
  }

  override policy(keyArn: string) {
    return this.#ofKey(keyArn).policy(keyArn);
  }

  override grants(keyArn: string) {
    return this.#ofKey(keyArn).grants(keyArn);
  }

  override setPolicy(keyArn: string, document: string) {
    return this.#ofKey(keyArn).setPolicy(keyArn, document);
  }

  override setState(keyArn: string, from: string, to: string) {
    return this.#ofKey(keyArn).setState(keyArn, from, to);
  }

  override aliases(region: string) {
    return this.#inRegion(region).aliases(region);
  }

  override keyArns(region: string, limit: number) {
    return this.#inRegion(region).keyArns(region, limit);
  }

  #ofKey(keyArn: string): KmsControl {
    const account = parseArn(keyArn)?.account;
    return (this.#accounts.find((one) => one.accountId === account) ?? this.#first).connection.kms;
  }

  #inRegion(region: string): KmsControl {
    return (this.#accounts.find((one) => one.regions.includes(region)) ?? this.#first).connection.kms;
  }
}
