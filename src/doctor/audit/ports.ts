/** What an audit compares, and whom it asks: `cli` puts it together for two buckets, for two sites, for two inventories. */
import type { ListedVersion, Store } from "../../s3/store.ts";

/** One end of a comparison: its rows in the order of keys, within a key the newest first. */
export interface AuditEnd {
  /** As a person would name it. */
  readonly name: string;
  /** Rows of keys behind this one. */
  rows(afterKey: string | undefined): RowReader;
  /** The next key behind one, so that ranges can be cut; undefined where rows come in one stream only. */
  readonly nextKey?: (afterKey: string, signal: AbortSignal) => Promise<string | undefined>;
  /** The versions of one key as they are now; undefined for what is history, such as inventories. */
  readonly ofKey?: (key: string, signal: AbortSignal) => Promise<readonly ListedVersion[]>;
  /** Where versions can be read. */
  readonly reader?: { readonly store: Store; readonly bucket: string };
}

export interface RowReader {
  /** The next rows. @throws S3Error, EvidenceError */
  next(signal: AbortSignal): Promise<{ readonly rows: readonly ListedVersion[]; readonly isLast: boolean }>;
  close?(): Promise<void>;
}

export interface KeyRange {
  readonly fromKey: string;
  readonly toKey: string;
}

/** By key, then by version id of the source: the destination's id. */
export type KnownIds = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Why something is not as it is at the other end. */
export interface Explanation {
  readonly status?: string;
  readonly reason: string;
  readonly says: string;
  /** By design or by the rules: no exception. */
  readonly isExpected: boolean;
}

export interface AuditEnds {
  readonly source: AuditEnd;
  readonly destination: AuditEnd;
  /** Only keys that start with it. */
  readonly prefix: string;
  /** Whether versions whose ids nobody knows go together by their order and sizes. */
  readonly byPlace: boolean;
  /** Which ids belong together, where the destination mints its own. */
  known?(range: KeyRange): Promise<KnownIds>;
  /** Why versions of the source are not there; undefined where nobody knows. In the order of the rows. */
  explain?(rows: readonly ListedVersion[], signal: AbortSignal): Promise<readonly (Explanation | undefined)[]>;
  /** Likewise, of versions that only the destination has. */
  explainExtra?(rows: readonly ListedVersion[], signal: AbortSignal): Promise<readonly (Explanation | undefined)[]>;
  /** User metadata that is the replication's own, and on replicas only. */
  readonly mark?: string;
}

/** What is compared besides listings. */
export interface VerifyWish {
  /** 0..1 of the versions that are at both ends. */
  readonly share: number;
  /** Also all those of one size whose ETags differ. */
  readonly suspects: boolean;
  /** Whether bytes are to be told the same; else only metadata and tags. */
  readonly bytes: boolean;
}
