/** What the doctor looks at and writes to. `cli` hands it in: on AWS, on the lab, on any S3 store. */

import type { IamControl } from "../aws/iam.ts";
import type { KmsControl } from "../aws/kms.ts";
import type { OrganizationsControl } from "../aws/organizations.ts";
import type { RecordedFailure } from "../core/diagnose/facts.ts";
import type { BucketSettings } from "../s3/settings.ts";
import type { Store } from "../s3/store.ts";

export interface Surroundings {
  /** A client that speaks to the bucket's own Region. @throws S3Error 404 when there is no such bucket */
  bucket(name: string): Promise<BucketAccess>;
  readonly iam: IamControl;
  readonly kms: KmsControl;
  readonly organizations: OrganizationsControl;
  /** The account that asks. */
  readonly accountId: string;
  readonly clock: () => number;
  /** What an engine has recorded; undefined where none can be asked. */
  readonly records?: FailureRecords;
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
