/** What the console does in the lab: the port behind its Lab page. `cli` builds it of the lab's own calls and of S3's. */

export interface LabDesk {
  /** `http://127.0.0.1:9000` */
  readonly endpoint: string;
  view(): Promise<LabView>;
  /** Makes an account when it is new. */
  addAccount(id: string): Promise<void>;
  addBucket(bucket: NewLabBucket): Promise<void>;
  /** A small text object, as the bucket's owner. */
  putObject(object: LabObject): Promise<{ readonly versionId: string }>;
  /** Without a version id: writes a delete marker where the bucket is versioned. */
  deleteObject(ref: LabObjectRef): Promise<{ readonly versionId?: string }>;
  disturb(disturbance: NewDisturbance): Promise<void>;
  /** @param id of a disturbance of `view`. @returns false when there is none */
  calm(id: string): Promise<boolean>;
}

export interface LabView {
  readonly accounts: readonly { readonly id: string; readonly name?: string }[];
  readonly buckets: readonly {
    readonly name: string;
    readonly account: string;
    readonly region: string;
    readonly versioning: "" | "Enabled" | "Suspended";
    /** Rules of its replication configuration; 0 without one. */
    readonly rules: number;
  }[];
  readonly disturbances: readonly Disturbance[];
}

/** Something that goes wrong on purpose until it is taken back. */
export interface Disturbance {
  readonly id: string;
  readonly kind: NewDisturbance["kind"];
  /** `the next 3 requests to photos are answered 503` */
  readonly says: string;
}

export interface NewLabBucket {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  readonly versioning: boolean;
  readonly objectLock: boolean;
}

export interface LabObjectRef {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
}

export interface LabObject {
  readonly bucket: string;
  readonly key: string;
  readonly text: string;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
}

/** Which requests a fault meets, and how many of them. */
export interface FaultScope {
  readonly bucket?: string;
  readonly prefix?: string;
  /** `PutObject` */
  readonly operation?: string;
  readonly times: number;
}

export type NewDisturbance =
  | ({ readonly kind: "delay"; readonly delayMs: number } & FaultScope)
  | ({ readonly kind: "reset"; readonly when: "before" | "after" } & FaultScope)
  | ({ readonly kind: "status"; readonly status: number; readonly code?: string } & FaultScope)
  | ({ readonly kind: "truncate"; readonly at: number } & FaultScope)
  | ({ readonly kind: "flip"; readonly at: number } & FaultScope)
  | {
      readonly kind: "throttle";
      readonly service: "s3" | "kms";
      readonly bucket?: string;
      readonly requestsPerSecond: number;
    }
  | { readonly kind: "diskFull" }
  | { readonly kind: "clock"; readonly offsetMs: number };
