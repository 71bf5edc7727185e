/** The lab's buckets, each asked as the account that owns it; what others own is asked as those others. */
import type { DeskBucket } from "../../console/desk.ts";
import { ApiError } from "../../console/errors.ts";
import { recordsOf } from "../../console/failures.ts";
import type { Lab } from "../../lab/lab.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { OwnChanges } from "../../monitor/alerts/own-changes.ts";
import { acrossAccounts } from "../accounts.ts";
import { type Connection, openConnection } from "../connection.ts";
import { DEFAULT_REGION } from "../defaults.ts";
import type { DeskWorld } from "./world.ts";

export interface LabWorldOptions extends Pick<DeskWorld, "clock" | "environment"> {
  readonly lab: Pick<Lab, "bucket" | "buckets" | "account">;
  readonly endpoint: string;
  readonly ledger: Pick<Ledger, "list">;
  readonly ownChanges?: OwnChanges;
}

/** More accounts than these are not asked. */
const ACCOUNTS_MAX = 20;

export class LabWorld implements DeskWorld {
  readonly clock: () => number;
  readonly environment: DeskWorld["environment"];
  readonly #options: LabWorldOptions;

  constructor(options: LabWorldOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.environment = options.environment;
  }

  /** Those that replicate first. */
  async buckets(): Promise<readonly DeskBucket[]> {
    const known = this.#options.lab.buckets().map(({ name, replication }) => {
      return { bucket: name, name, rules: replication?.rules.length ?? 0, cannot: {} };
    });
    return known.toSorted((one, other) => Number(other.rules > 0) - Number(one.rules > 0));
  }

  async connected<T>(bucket: string, use: (connection: Connection) => Promise<T>): Promise<T> {
    const { lab } = this.#options;
    const found = lab.bucket(bucket);
    if (found === undefined) throw new ApiError(404, `there is no bucket ${bucket} in the lab`);
    const owners = new Set([found.account, ...lab.buckets().map((one) => one.account)]);
    const opened: Connection[] = [];
    try {
      for (const account of [...owners].slice(0, ACCOUNTS_MAX)) opened.push(await this.#open(account));
      const [first, ...others] = opened;
      if (first === undefined) throw new ApiError(404, `nobody owns ${bucket}`);
      const records = recordsOf(this.#options.ledger);
      const { ownChanges } = this.#options;
      return await use({
        ...acrossAccounts(first, others),
        records,
        ...(ownChanges === undefined ? {} : { ownChanges }),
      });
    } finally {
      await Promise.all(opened.map((one) => one.close()));
    }
  }

  async #open(account: string): Promise<Connection> {
    const { lab, endpoint, clock } = this.#options;
    const credentials = await lab.account(account);
    const access = { endpoint, region: DEFAULT_REGION, credentials: async () => credentials };
    return await openConnection(access, clock, undefined);
  }
}
