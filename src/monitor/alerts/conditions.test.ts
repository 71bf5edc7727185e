/** What every condition sees, at both of its bounds. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Count } from "../../ledger/ledger.ts";
import type { WatchResult } from "../history.ts";
import type { Observation } from "../observation.ts";
import { GROWTH_MS } from "./backlog.ts";
import { type Known, seenIn } from "./conditions.ts";
import { CONDITIONS, type ConditionName, type Sign } from "./model.ts";
import { CONDITION_DEFAULTS } from "./settings.ts";

const NOW = Date.UTC(2026, 2, 1, 12);
const MINUTE = 60_000;
const DR = "arn:aws:s3:::photos-dr";
const OF_RULE = { bucket: "photos", ruleId: "all", destinationArn: DR, operation: "put" } as const;

function parked(tasks: number, failureCode = "DstPutObjectNotPermitted"): Count {
  return { ...OF_RULE, state: "parked", failureCode, tasks, bytes: tasks * 10, oldestWrittenAtMs: NOW - MINUTE };
}

function waiting(tasks: number, oldestWrittenAtMs = NOW - MINUTE): Count {
  return { ...OF_RULE, state: "waiting", tasks, bytes: 0, oldestWrittenAtMs };
}

function result(kind: WatchResult["kind"], verdict: WatchResult["verdict"]): WatchResult {
  return { kind, subject: "pictures", atMs: NOW, tookMs: 1, verdict, says: "two\nlines", counts: { missing: 2 } };
}

const NOTHING: Observation = {
  atMs: NOW,
  counts: [],
  replications: [{ name: "pictures", bucket: "photos", showsStatus: true }],
  engines: [],
  results: [],
};

function seen(condition: ConditionName, observation: Partial<Observation>, more: Partial<Known> = {}): Sign[] {
  const known = { observation: { ...NOTHING, ...observation }, backlogs: {}, redriven: [], drifted: [], ...more };
  const settings = { everyMs: 1, conditions: { [condition]: CONDITION_DEFAULTS[condition] } };
  return [...seenIn(known, settings).signs];
}

const breaker = (isAway: boolean) => ({
  name: `engine ${String(isAway)}`,
  isAway,
  inFlight: 0,
  tasksPerSecond: 0,
  bytesPerSecond: 0,
  breakers: [{ side: "destination", name: DR, state: "open", sinceMs: NOW - MINUTE } as const],
});

describe("conditions", () => {
  it("a new cause is a bucket, a rule, a destination and a code, in the catalogue's words", () => {
    const [sign, ...others] = seen("newCause", { counts: [parked(1200), { ...parked(4), operation: "tags" }] });
    assert.deepEqual(others, []);
    assert.equal(sign?.title, "pictures → photos-dr: The role may not write replicas to the destination");
    assert.match(sign?.says ?? "", /^1,204 versions FAILED; the oldest was written at 2026-03-01 11:59:00Z \(DstPut/);
    assert.deepEqual(sign?.counts, { failed: 1204, bytes: 12040 });
    assert.equal(sign?.command, "lockstep fix s3://photos");
    assert.equal(sign?.subject.replication, "pictures");
    assert.equal(seen("newCause", { counts: [parked(1), parked(1, "DstBucketNotFound")] }).length, 2);
  });

  it("names the command that helps where no store shows a status", () => {
    const replications = [{ name: "pictures", bucket: "photos", showsStatus: false }];
    const [sign] = seen("newCause", { counts: [parked(1)], replications });
    assert.equal(sign?.command, "lockstep resync s3://photos --code DstPutObjectNotPermitted");
  });

  it("many FAILED versions of one cause begin at the upper bound and end at the lower one", () => {
    const level = (tasks: number) => seen("failed", { counts: [parked(tasks)] }).map((one) => one.isOver);
    assert.deepEqual([level(499), level(500), level(999), level(1000)], [[], [false], [false], [true]]);
  });

  it("signs of one cause are one group, whatever sees them", () => {
    const redriven = [{ ...OF_RULE, code: "DstPutObjectNotPermitted", versions: 3, most: 7, key: "a\nb" }];
    const signs = (["newCause", "failed", "redriven"] as const).flatMap((one) =>
      seen(one, { counts: [parked(5000)] }, { redriven }),
    );
    assert.equal(signs.length, 3);
    assert.equal(new Set(signs.map((one) => one.group)).size, 1);
    assert.match(signs[2]?.says ?? "", /^3 versions failed again after 7 redrives, such as "a b"/);
  });

  it("lag is measured on what arrived, and not where replication is paused", () => {
    const lags = [{ bucket: "photos", destinationArn: DR, p99Ms: 20 * MINUTE, tasks: 50 }];
    assert.equal(seen("lag", { lags })[0]?.isOver, true);
    assert.equal(seen("lag", { lags: lags.map((one) => ({ ...one, p99Ms: 12 * MINUTE })) })[0]?.isOver, false);
    assert.deepEqual(seen("lag", { lags: lags.map((one) => ({ ...one, p99Ms: MINUTE })) }), []);
    const replications = [{ name: "pictures", bucket: "photos", pausedSinceMs: NOW - 1 }];
    assert.deepEqual(seen("lag", { lags, replications }), []);
  });

  it("the oldest PENDING version counts from when somebody knew of it", () => {
    const at = (pendingSinceMs: number, oldestMs: number) =>
      seen(
        "oldestPending",
        { counts: [waiting(7, oldestMs)] },
        { backlogs: { [`photos ${DR}`]: { samples: [], pendingSinceMs } } },
      );
    assert.equal(at(NOW - 90 * MINUTE, NOW - 61 * MINUTE)[0]?.isOver, true);
    assert.deepEqual(at(NOW - 90 * MINUTE, NOW - MINUTE), [], "a backlog that is always there, of young versions");
    assert.deepEqual(at(NOW - MINUTE, 0), [], "a first scan of an old bucket");
  });

  it("a forgotten pause is told with the command that ends it", () => {
    const replications = [{ name: "pictures", bucket: "photos", pausedSinceMs: 5 }];
    const backlogs = { [`photos ${DR}`]: { samples: [], pendingSinceMs: 0 } };
    const [sign] = seen("oldestPending", { counts: [waiting(7, 0)], replications }, { backlogs });
    assert.equal(sign?.command, "lockstep resume pictures");
  });

  it("a backlog that keeps growing is told by how much", () => {
    const samples = Array.from({ length: 31 }, (_, index) => [NOW - GROWTH_MS + index * MINUTE, 100 * index] as const);
    const [sign] = seen("backlogGrowing", { counts: [waiting(3000)] }, { backlogs: { [`photos ${DR}`]: { samples } } });
    assert.equal(sign?.isOver, true);
    assert.match(sign?.says ?? "", /^3,000 versions PENDING, 2,000 more than 30 min ago$/);
  });

  it("an end that does not answer is one sign, however many engines say so; dead engines say nothing", () => {
    const [sign, ...others] = seen("breakerOpen", {
      engines: [breaker(false), breaker(false), breaker(true)],
      counts: [waiting(9)],
    });
    assert.deepEqual(others, []);
    assert.equal(sign?.title, "The destination photos-dr does not answer");
    assert.deepEqual(sign?.counts, { engines: 2, pending: 9 });
    assert.deepEqual(seen("breakerOpen", { engines: [breaker(true)] }), []);
  });

  it("watches count by their latest verdict, each kind in its own condition", () => {
    const results = [
      result("canary", "failed"),
      result("audit", "findings"),
      result("lint", "ok"),
      result("rehearse", "ok"),
    ];
    assert.equal(seen("canaryFailed", { results })[0]?.command, "lockstep canary s3://photos");
    assert.equal(seen("auditDifferences", { results })[0]?.title, "pictures: The audit found differences");
    assert.match(seen("auditDifferences", { results })[0]?.says ?? "", /^two lines \(2026/);
    assert.deepEqual(seen("checkFailed", { results }), []);
  });

  it("drifted documents of one replication are one sign", () => {
    const drifted = ["bucket policy of photos-dr", "replication rules"].map((what) => ({
      replication: "pictures",
      what,
    }));
    const [sign, ...others] = seen("drift", {}, { drifted });
    assert.deepEqual(others, []);
    assert.match(sign?.says ?? "", /bucket policy of photos-dr, replication rules$/);
    assert.equal(sign?.command, "lockstep alerts accept");
  });

  it("what is not known now is told to be unknown, and what is switched off is not looked at", () => {
    const known: Known = { observation: NOTHING, backlogs: {}, redriven: undefined, drifted: undefined };
    assert.deepEqual([...seenIn(known, { everyMs: 1, conditions: CONDITION_DEFAULTS }).unknown], ["redriven", "drift"]);
    assert.deepEqual([...seenIn(known, { everyMs: 1, conditions: {} }).unknown], []);
  });

  it("nothing is seen where nothing is wrong", () => {
    const counts: Count[] = [{ ...OF_RULE, state: "completed", tasks: 1e6, bytes: 1 }];
    for (const name of CONDITIONS) assert.deepEqual(seen(name, { counts }), []);
  });
});
