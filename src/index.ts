/** Lockstep as a library: the engine and the doctor. The pure core is `lockstep/core`, the lab `lockstep/lab`. */

export { applyPatches, undoOf } from "./doctor/apply.ts";
export { collectFacts } from "./doctor/collect.ts";
export { parseSnapshot, readSnapshot, type Snapshot, SnapshotError } from "./doctor/snapshot.ts";
export { Engine, type EngineOptions } from "./engine/engine.ts";
export type { ChangeFeed, Clock, FeedEntry, Session, SessionRequest, Sites } from "./engine/ports.ts";
export { type ScanResult, Scans, type ScansOptions } from "./engine/scan.ts";
export type { Ledger } from "./ledger/ledger.ts";
export { LedgerUrlError, openLedger } from "./ledger/open.ts";
export { openSqliteLedger } from "./ledger/sqlite.ts";
export { createS3Client, type S3Client, type S3ClientOptions } from "./s3/client.ts";
export { S3Error } from "./s3/errors.ts";
export type { BucketSettings } from "./s3/settings.ts";
export type { Store } from "./s3/store.ts";
