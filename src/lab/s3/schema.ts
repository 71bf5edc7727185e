/**
 * Tables of S3 in `lab.db`.
 *
 * `s3_versions` is ordered as S3 lists versions: keys by their UTF-8 bytes, within a key the newest (the greatest
 * `place`) first. A version's place is part of the version id that the lab minted; versions whose id says nothing of a
 * place (`null`, and ids of other stores) carry `foreign_id = 1` and are found through an index of their own.
 *
 * What only versions themselves are asked for is one JSON text (`details`): a row costs by its columns when it is read.
 *
 * Bodies are encrypted. Small ones are in `s3_bodies`, larger ones in files named after their body id (`blobs.ts`). A version
 * made of parts has an `upload` and no body of its own: its parts stay where they were uploaded to.
 */
export const S3_SCHEMA = `
CREATE TABLE s3_sequence (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  reserved INTEGER NOT NULL
);
INSERT INTO s3_sequence VALUES (1, 0);

CREATE TABLE s3_buckets (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  versioning TEXT NOT NULL,
  settings TEXT NOT NULL
);

CREATE TABLE s3_versions (
  bucket_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  place INTEGER NOT NULL,
  version_id TEXT NOT NULL,
  foreign_id INTEGER NOT NULL,
  is_latest INTEGER NOT NULL,
  is_marker INTEGER NOT NULL,
  file_id INTEGER,
  wrapped_key BLOB,
  details TEXT NOT NULL,
  PRIMARY KEY (bucket_id, key, place DESC, version_id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX s3_versions_foreign ON s3_versions (bucket_id, key, version_id) WHERE foreign_id = 1;
CREATE INDEX s3_versions_current ON s3_versions (bucket_id, key) WHERE is_latest = 1 AND is_marker = 0;

CREATE TABLE s3_bodies (
  id INTEGER PRIMARY KEY,
  sealed BLOB NOT NULL
);

CREATE TABLE s3_uploads (
  id TEXT PRIMARY KEY,
  bucket_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  place INTEGER NOT NULL,
  started_ms INTEGER NOT NULL,
  initiator TEXT NOT NULL,
  data_key BLOB NOT NULL,
  wrapped_key BLOB NOT NULL,
  details TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX s3_uploads_by_key ON s3_uploads (bucket_id, key, place);

CREATE TABLE s3_parts (
  upload TEXT NOT NULL,
  number INTEGER NOT NULL,
  body_id INTEGER NOT NULL,
  in_file INTEGER NOT NULL,
  size INTEGER NOT NULL,
  etag TEXT NOT NULL,
  checksums TEXT NOT NULL,
  modified_ms INTEGER NOT NULL,
  PRIMARY KEY (upload, number)
) WITHOUT ROWID;
CREATE INDEX s3_parts_in_files ON s3_parts (body_id) WHERE in_file = 1;
CREATE INDEX s3_versions_in_files ON s3_versions (file_id) WHERE file_id IS NOT NULL;

CREATE TABLE s3_changes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  bucket_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  version_id TEXT NOT NULL,
  operation TEXT NOT NULL,
  taken TEXT NOT NULL,
  at_ms INTEGER NOT NULL
);
`;

/**
 * What initiating replication needs (`initiate.ts`): whether a change was asked for, and replicas that were removed for
 * good, by the bucket that they were in. S3 never writes those again.
 */
export const S3_INITIATION_SCHEMA = `
ALTER TABLE s3_changes ADD COLUMN initiated INTEGER NOT NULL DEFAULT 0;

CREATE TABLE s3_removed_replicas (
  bucket_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  version_id TEXT NOT NULL,
  PRIMARY KEY (bucket_id, key, version_id)
) WITHOUT ROWID;
`;
