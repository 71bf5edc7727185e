/** What the doctor looks at and writes to. `cli` hands it in: on AWS, on the lab, on any S3 store. */

import type { CloudTrailControl } from "../aws/cloudtrail.ts";
import type { IamControl } from "../aws/iam.ts";
import type { CallerPolicies } from "../aws/iam-caller.ts";
import type { KmsControl } from "../aws/kms.ts";
import type { OrganizationsControl } from "../aws/organizations.ts";
import type { RecordedFailure } from "../core/diagnose/facts.ts";
import type { BucketSettings } from "../s3/settings.ts";
import type { Store } from "../s3/store.ts";

export interface Surroundings {
  /** A client that speaks to the bucket's own Region. @throws S3Error 404 when there is no such bucket */
  bucket(name: string): Promise<BucketAccess>;
  readonly iam: IamControl;
  readonly kms: Keys;
  readonly organizations: OrganizationsControl;
  /** The account that asks. */
  readonly accountId: string;
  /** What to do so that an account's own documents can be read; undefined where nothing is known to help. */
  remedyFor?(account: string | undefined): string | undefined;
  /**
   * The policies of whoever is asked for in an account; undefined where they have none that can be read.
   *
   * @throws AwsError
   */
  policiesOf?(account: string): Promise<CallerPolicies | undefined>;
  /** The history of changes; undefined where there is none, as with stores that know no identities. */
  readonly trail?: Pick<CloudTrailControl, "events">;
  readonly clock: () => number;
  /** What an engine has recorded; undefined where none can be asked. */
  readonly records?: FailureRecords;
}

/** Keys are asked for in the account that their ARN names; what has no ARN yet, in the one that is named. */
export interface Keys extends Pick<KmsControl, "key" | "policy" | "grants" | "setPolicy" | "setState"> {
  aliases(region: string, account: string): ReturnType<KmsControl["aliases"]>;
  keyArns(region: string, limit: number, account: string): ReturnType<KmsControl["keyArns"]>;
}

export interface BucketAccess {
  readonly store: Store;
  readonly settings: BucketSettings;
  /** Undefined when the store does not tell. */
  readonly region: string | undefined;
}

export interface FailureRecords {
  /** Failed and still pending tasks of a bucket, in pages. */
  failures(bucket: string, prefix: string | undefined): AsyncIterable<readonly FailureRecord[]>;
}

export interface FailureRecord extends RecordedFailure {
  readonly key: string;
  readonly versionId: string;
}
