import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Count } from "../../ledger/ledger.ts";
import { LAG_BOUNDS_MS } from "../../ledger/tallies.ts";
import type { Observation } from "../observation.ts";
import { LABEL_SETS_MAX } from "./labels.ts";
import { type Measured, metricsOf, processMetrics } from "./metrics.ts";
import { METRICS } from "./names.ts";

const NOW = 1_700_000_000_000;
const DESTINATION = "arn:aws:s3:::copies";
const RULE = `replication="photos-away",rule="all",destination="copies"`;
const where = { bucket: "photos", ruleId: "all", destinationArn: DESTINATION };

function count(change: Partial<Count>): Count {
  return { ...where, operation: "put", state: "waiting", tasks: 1, bytes: 10, ...change };
}

function measured(change: Partial<Observation> = {}, more: Partial<Measured> = {}): Measured {
  const observation: Observation = {
    atMs: NOW,
    counts: [],
    replications: [{ name: "photos-away", bucket: "photos" }],
    engines: [],
    results: [],
    ...change,
  };
  return { observation, tallies: { lags: [], failures: [] }, overdue: [], version: "1.2.3", ...more };
}

/** Name and labels → figure. */
async function read(given: Measured): Promise<ReadonlyMap<string, number>> {
  const lines = (await metricsOf(given)).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

describe("metrics", () => {
  it("tell every metric of the table with its type and help, also before anything happened", async () => {
    const text = await metricsOf(measured());
    for (const [name, { type, help }] of Object.entries(METRICS)) {
      assert.ok(text.includes(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`), name);
    }
  });

  it("tell versions by status and reason, what is leased as PENDING", async () => {
    const figures = await read(
      measured({
        counts: [
          count({ tasks: 3 }),
          count({ state: "leased", tasks: 2 }),
          count({ state: "waiting", failureCode: "SourceThrottled", tasks: 4 }),
          count({ state: "parked", failureCode: "DstBucketUnversioned", tasks: 5 }),
          count({ state: "parked", failureCode: "of a newer version", tasks: 6 }),
          count({ state: "completed", tasks: 7, bytes: 70 }),
        ],
      }),
    );
    const at = (status: string, reason: string) =>
      figures.get(`lockstep_versions{${RULE},operation="put",status="${status}",reason="${reason}"}`);
    assert.equal(at("PENDING", ""), 5);
    assert.equal(at("FAILED", "DstBucketUnversioned"), 5);
    assert.equal(at("FAILED", "other"), 6);
    assert.equal(at("COMPLETED", ""), 7);
    assert.equal(figures.get(`lockstep_completed_total{${RULE},operation="put"}`), 7);
    assert.equal(figures.get(`lockstep_completed_bytes_total{${RULE}}`), 70);
    assert.equal(figures.get(`lockstep_backlog_operations{${RULE}}`), 9);
    assert.equal(figures.get(`lockstep_backlog_bytes{${RULE}}`), 30);
  });

  it("tell the age of the oldest that is PENDING, over all operations, and 0 when nothing is", async () => {
    const oldest = `lockstep_backlog_oldest_age_seconds{${RULE}}`;
    const old = count({ oldestWrittenAtMs: NOW - 90_000 });
    const young = count({ operation: "tags", oldestWrittenAtMs: NOW - 1000 });
    const failed = count({ state: "parked", failureCode: "DstBucketUnversioned", oldestWrittenAtMs: 0 });
    assert.equal((await read(measured({ counts: [young, old, failed] }))).get(oldest), 90);
    assert.equal((await read(measured({ counts: [failed] }))).get(oldest), 0);
    assert.equal((await read(measured({ counts: [count({ oldestWrittenAtMs: NOW + 5000 })] }))).get(oldest), 0);
  });

  it("tell lag as a histogram of growing sums, in seconds, and who was later than 15 minutes", async () => {
    const tasks = LAG_BOUNDS_MS.map(() => 0).concat(0);
    tasks[0] = 4;
    tasks[LAG_BOUNDS_MS.indexOf(900_000)] = 2;
    tasks[LAG_BOUNDS_MS.indexOf(900_000) + 1] = 1;
    tasks[LAG_BOUNDS_MS.length] = 3;
    const lags = [{ ...where, tasks, sumMs: 1500 }];
    const figures = await read(measured({}, { tallies: { lags, failures: [] }, overdue: [{ ...where, tasks: 8 }] }));
    const le = (bound: string) => figures.get(`lockstep_replication_lag_seconds_bucket{${RULE},le="${bound}"}`);
    assert.deepEqual([le("0.1"), le("300"), le("900"), le("3600"), le("+Inf")], [4, 4, 6, 7, 10]);
    assert.equal(figures.get(`lockstep_replication_lag_seconds_sum{${RULE}}`), 1.5);
    assert.equal(figures.get(`lockstep_replication_lag_seconds_count{${RULE}}`), 10);
    assert.equal(figures.get(`lockstep_replication_time_made_up_total{${RULE}}`), 4);
    assert.equal(figures.get(`lockstep_replication_time_missed{${RULE}}`), 8);
  });

  it("tell tries that are made again apart from those that end a task, and sum up operations", async () => {
    const failure = {
      ...where,
      operation: "put" as const,
      failureCode: "DstBucketUnversioned",
      isFinal: true,
      attempts: 2,
    };
    const failures = [failure, { ...failure, operation: "tags" as const }, { ...failure, isFinal: false, attempts: 9 }];
    const figures = await read(measured({}, { tallies: { lags: [], failures } }));
    assert.equal(figures.get(`lockstep_failures_total{${RULE},reason="DstBucketUnversioned"}`), 4);
    assert.equal(figures.get(`lockstep_retries_total{${RULE},reason="DstBucketUnversioned"}`), 9);
  });

  it("tell breakers as the worst that an engine that is there tells, and 0 for every end that is reached", async () => {
    const engine = { name: "a", isAway: false, inFlight: 3, tasksPerSecond: 1.5, bytesPerSecond: 100 };
    const breaker = { side: "destination" as const, name: DESTINATION, sinceMs: NOW };
    const figures = await read(
      measured({
        counts: [count({})],
        engines: [
          { ...engine, breakers: [{ ...breaker, state: "halfOpen" }] },
          { ...engine, name: "b", breakers: [{ ...breaker, state: "open" }] },
          {
            ...engine,
            name: "c",
            isAway: true,
            breakers: [{ side: "source", name: "photos", state: "open", sinceMs: 0 }],
          },
        ],
      }),
    );
    assert.equal(figures.get(`lockstep_breaker_state{side="destination",end="copies"}`), 2);
    assert.equal(figures.get(`lockstep_breaker_state{side="source",end="photos"}`), 0);
    assert.equal(figures.get(`lockstep_engine_up{engine="a"}`), 1);
    assert.equal(figures.get(`lockstep_engine_up{engine="c"}`), 0);
    assert.equal(figures.get(`lockstep_engine_tasks_per_second{engine="a"}`), 1.5);
    assert.equal(figures.get(`lockstep_engine_tasks_per_second{engine="c"}`), 0);
  });

  it("tell what watches found", async () => {
    const result = {
      kind: "audit" as const,
      subject: "photos-away",
      atMs: NOW,
      tookMs: 2500,
      says: "",
      counts: { missing: 3 },
    };
    const canary = { kind: "canary" as const, subject: "photos-away", ruleId: "all", destinationArn: DESTINATION };
    const figures = await read(
      measured({
        results: [
          { ...result, verdict: "findings" },
          { ...result, ...canary, verdict: "failed", counts: {} },
        ],
      }),
    );
    const audit = `kind="audit",subject="photos-away",rule="",destination=""`;
    assert.equal(figures.get(`lockstep_watch_verdict{${audit}}`), 1);
    assert.equal(figures.get(`lockstep_watch_figure{${audit},figure="missing"}`), 3);
    assert.equal(figures.get(`lockstep_watch_duration_seconds{${audit}}`), 2.5);
    assert.equal(figures.get(`lockstep_watch_ended_timestamp_seconds{${audit}}`), NOW / 1000);
    assert.equal(
      figures.get(`lockstep_watch_verdict{kind="canary",subject="photos-away",rule="all",destination="copies"}`),
      2,
    );
  });

  it("count together what comes after so many rules, so that there is an end to labels and nothing is lost", async () => {
    const counts = Array.from({ length: LABEL_SETS_MAX + 20 }, (_, index) => count({ ruleId: `r${index}` }));
    const lags = counts.map(({ ruleId }) => ({
      ...where,
      ruleId,
      tasks: LAG_BOUNDS_MS.map(() => 1).concat(1),
      sumMs: 0,
    }));
    const figures = await read(measured({ counts }, { tallies: { lags, failures: [] } }));
    const backlogs = [...figures].filter(([name]) => name.startsWith("lockstep_backlog_operations"));
    assert.equal(backlogs.length, LABEL_SETS_MAX + 1);
    assert.equal(
      backlogs.reduce((sum, [, value]) => sum + value, 0),
      LABEL_SETS_MAX + 20,
    );
    const other = `{replication="other",rule="other",destination="other"}`;
    assert.equal(figures.get(`lockstep_backlog_operations${other}`), 20);
    assert.equal(figures.get(`lockstep_replication_lag_seconds_count${other}`), 20 * (LAG_BOUNDS_MS.length + 1));
  });

  it("write names as Prometheus can read them, whatever a rule is called", async () => {
    const text = await metricsOf(measured({ counts: [count({ ruleId: 'a "b"\\\n' })] }));
    assert.ok(text.includes(`rule="a \\"b\\"\\\\\\n"`));
  });

  it("go along with those of the process", async () => {
    const text = await processMetrics();
    assert.match(text, /^process_resident_memory_bytes \d+$/m);
    assert.match(await processMetrics(), /^nodejs_eventloop_lag_seconds /m);
  });
});
