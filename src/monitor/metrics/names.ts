/**
 * Every metric that Lockstep shows, as data: what it is called, what it means, and by which labels it is told apart. The
 * page `docs/metrics.md`, the dashboard and the alert rules are checked against this table.
 *
 * `replication` is the name that commands use, `rule` the rule's ID, `destination` the bucket in its ARN, `reason` a code of
 * the catalogue of failures, empty for what never failed.
 */

export type MetricType = "counter" | "gauge" | "histogram";

export interface Metric {
  readonly type: MetricType;
  readonly labels: readonly string[];
  /** One sentence, with the unit where it is not the name's end. */
  readonly help: string;
}

const RULE = ["replication", "rule", "destination"] as const;
const WATCH = ["kind", "subject", "rule", "destination"] as const;

export const METRICS = {
  lockstep_versions: {
    type: "gauge",
    labels: [...RULE, "operation", "status", "reason"],
    help: "Versions by status (PENDING, FAILED, COMPLETED), each once per destination and operation; by reason of the last failure.",
  },
  lockstep_completed_total: {
    type: "counter",
    labels: [...RULE, "operation"],
    help: "Tasks that were completed.",
  },
  lockstep_completed_bytes_total: {
    type: "counter",
    labels: RULE,
    help: "Bytes that completed tasks have sent.",
  },
  lockstep_backlog_operations: {
    type: "gauge",
    labels: RULE,
    help: "Tasks that are PENDING.",
  },
  lockstep_backlog_bytes: {
    type: "gauge",
    labels: RULE,
    help: "Bytes of the versions whose tasks are PENDING.",
  },
  lockstep_backlog_oldest_age_seconds: {
    type: "gauge",
    labels: RULE,
    help: "How long ago the oldest version that is PENDING was written; 0 when none is.",
  },
  lockstep_replication_lag_seconds: {
    type: "histogram",
    labels: RULE,
    help: "From the writing of a version or delete marker to the end of its replication (RPO), of live changes.",
  },
  lockstep_replication_time_missed: {
    type: "gauge",
    labels: RULE,
    help: "Live changes that are not replicated though they were written more than 15 minutes ago, up to 10000 of each kind.",
  },
  lockstep_replication_time_made_up_total: {
    type: "counter",
    labels: RULE,
    help: "Live changes that were replicated more than 15 minutes after they were written.",
  },
  lockstep_retries_total: {
    type: "counter",
    labels: [...RULE, "reason"],
    help: "Tries that failed for now, so that the task is tried again.",
  },
  lockstep_failures_total: {
    type: "counter",
    labels: [...RULE, "reason"],
    help: "Tries that failed for good, so that the task became FAILED.",
  },
  lockstep_paused: {
    type: "gauge",
    labels: ["replication"],
    help: "1 while the replication is paused.",
  },
  lockstep_breaker_state: {
    type: "gauge",
    labels: ["side", "end"],
    help: "Whether a bucket is reached: 0 it is (closed), 1 it is being tried again (half open), 2 nobody answers (open).",
  },
  lockstep_engine_up: {
    type: "gauge",
    labels: ["engine"],
    help: "1 for an engine that has told something lately, 0 for one that is away.",
  },
  lockstep_engine_tasks_in_flight: {
    type: "gauge",
    labels: ["engine"],
    help: "Tasks in the hands of an engine's workers.",
  },
  lockstep_engine_tasks_per_second: {
    type: "gauge",
    labels: ["engine"],
    help: "Tasks that an engine completed per second, in the last minute.",
  },
  lockstep_engine_bytes_per_second: {
    type: "gauge",
    labels: ["engine"],
    help: "Bytes that an engine replicated per second, in the last minute.",
  },
  lockstep_watch_verdict: {
    type: "gauge",
    labels: WATCH,
    help: "How the latest canary, probe, audit, rehearsal or lint ended: 0 well, 1 with findings, 2 it could not be done.",
  },
  lockstep_watch_ended_timestamp_seconds: {
    type: "gauge",
    labels: WATCH,
    help: "When the latest of its kind ended.",
  },
  lockstep_watch_duration_seconds: {
    type: "gauge",
    labels: WATCH,
    help: "How long the latest of its kind took.",
  },
  lockstep_watch_figure: {
    type: "gauge",
    labels: [...WATCH, "figure"],
    help: "Figures of the latest of its kind, by their names: what an audit found missing, how long a canary took.",
  },
  lockstep_published_read_timestamp_seconds: {
    type: "gauge",
    labels: ["replication"],
    help: "When CloudWatch was last asked about a bucket that AWS replicates itself, and answered.",
  },
  lockstep_build_info: {
    type: "gauge",
    labels: ["version"],
    help: "Always 1; the version of Lockstep that is asked.",
  },
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof METRICS;
