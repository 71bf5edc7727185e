/**
 * Tables of S3 Batch Operations in `lab.db`: a job is one JSON record (`model.ts`) beside what it is looked up by; its
 * tasks are the rows of its manifest, numbered from 0, each with its outcome once it is done (`http_status`).
 *
 * Tasks go when the job is final: what came of them is in the report.
 */
export const BATCH_SCHEMA = `
CREATE TABLE batch_jobs (
  id TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  token TEXT NOT NULL,
  status TEXT NOT NULL,
  priority INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL,
  record TEXT NOT NULL,
  UNIQUE (account, region, token)
) WITHOUT ROWID;
CREATE INDEX batch_jobs_by_age ON batch_jobs (account, region, created_ms, id);
CREATE INDEX batch_jobs_by_status ON batch_jobs (status, changed_ms);

CREATE TABLE batch_tasks (
  job TEXT NOT NULL,
  number INTEGER NOT NULL,
  bucket TEXT NOT NULL,
  key TEXT NOT NULL,
  version_id TEXT,
  http_status INTEGER,
  code TEXT,
  message TEXT,
  PRIMARY KEY (job, number)
) WITHOUT ROWID;
`;
