/** CloudTrail's nouns: an event, a trail, and what a trail selects. */

/** One event as one account gets it. */
export interface TrailEvent {
  readonly id: string;
  readonly account: string;
  readonly region: string;
  readonly atMs: number;
  readonly category: "Management" | "Data";
  readonly source: string;
  readonly name: string;
  readonly readOnly: boolean;
  /** Of a service that has no Region: its events are us-east-1's. */
  readonly isGlobal: boolean;
  readonly accessKeyId: string | undefined;
  readonly username: string | undefined;
  readonly userArn: string | undefined;
  /** For LookupEvents. */
  readonly resources: readonly NamedResource[];
  /** ARN of the object, or of the bucket with a slash behind it; only of data events of S3. */
  readonly objectArn: string | undefined;
  /** What is delivered. */
  readonly record: Readonly<Record<string, unknown>>;
}

export interface NamedResource {
  /** `AWS::S3::Bucket` */
  readonly type: string;
  readonly name: string;
}

export interface Trail {
  readonly arn: string;
  readonly name: string;
  readonly account: string;
  readonly homeRegion: string;
  readonly bucket: string;
  readonly prefix?: string;
  readonly isMultiRegion: boolean;
  readonly includesGlobalServices: boolean;
  readonly logFileValidation: boolean;
  readonly isLogging: boolean;
  readonly startedMs?: number;
  readonly stoppedMs?: number;
  readonly selectors: TrailSelectors;
}

export type TrailSelectors =
  | { readonly kind: "basic"; readonly selectors: readonly BasicSelector[] }
  | { readonly kind: "advanced"; readonly selectors: readonly AdvancedSelector[] };

/** As they stand on the wire. */
export interface BasicSelector {
  readonly ReadWriteType: "All" | "ReadOnly" | "WriteOnly";
  readonly IncludeManagementEvents: boolean;
  readonly DataResources: readonly { readonly Type: string; readonly Values: readonly string[] }[];
  readonly ExcludeManagementEventSources: readonly string[];
}

export interface AdvancedSelector {
  readonly Name?: string;
  readonly FieldSelectors: readonly FieldSelector[];
}

export const FIELD_OPERATORS = [
  "Equals",
  "StartsWith",
  "EndsWith",
  "NotEquals",
  "NotStartsWith",
  "NotEndsWith",
] as const;
export type FieldOperator = (typeof FIELD_OPERATORS)[number];

export type FieldSelector = { readonly Field: string } & {
  readonly [Operator in FieldOperator]?: readonly string[];
};

/** A trail selects management events unless somebody says otherwise. */
export const DEFAULT_SELECTORS: TrailSelectors = {
  kind: "basic",
  selectors: [
    { ReadWriteType: "All", IncludeManagementEvents: true, DataResources: [], ExcludeManagementEventSources: [] },
  ],
};

export const OBJECT_TYPE = "AWS::S3::Object";
