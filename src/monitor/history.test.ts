import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Ledger } from "../ledger/ledger.ts";
import { openSqliteLedger } from "../ledger/sqlite.ts";
import { latest, RESULTS_KEPT, remember, rememberAll, remembered, type WatchResult } from "./history.ts";

function result(more: Partial<WatchResult> = {}): WatchResult {
  const base = {
    kind: "canary",
    subject: "photos",
    atMs: 1000,
    tookMs: 5,
    verdict: "ok",
    says: "",
    counts: {},
  } as const;
  return { ...base, ...more };
}

describe("history of watches", () => {
  let ledger: Ledger;
  beforeEach(() => {
    ledger = openSqliteLedger({ path: ":memory:" });
  });
  afterEach(() => ledger.close());

  const says = async (...of: Parameters<typeof remembered> extends [Ledger, ...infer Rest] ? Rest : never) =>
    (await remembered(ledger, ...of)).map((one) => one.says);

  it("tells the youngest first, of one subject only its own, also where another one's name begins with it", async () => {
    await remember(ledger, result({ says: "old", atMs: 999 }));
    await remember(ledger, result({ says: "new", atMs: 1_700_000_000_000 }));
    await remember(ledger, result({ says: "longer", subject: "photos-2026" }));
    await remember(ledger, result({ says: "other", kind: "audit" }));
    assert.deepEqual(await says("canary", "photos"), ["new", "old"]);
    assert.deepEqual(await says("canary", "photo"), []);
    assert.deepEqual(await says("canary", "photos-2026"), ["longer"]);
    assert.deepEqual((await says("canary")).toSorted(), ["longer", "new", "old"]);
    assert.deepEqual((await says()).toSorted(), ["longer", "new", "old", "other"]);
    assert.deepEqual(await says("probe"), []);
  });

  it("comes back as it was remembered", async () => {
    const whole = result({
      ruleId: "rule with spaces / ü",
      destinationArn: "arn:aws:s3:::replica",
      counts: { latencyMs: 12 },
      report: "/tmp/report.json",
    });
    await remember(ledger, whole);
    assert.deepEqual(await remembered(ledger, "canary", "photos"), [whole]);
    assert.deepEqual(await latest(ledger), [whole]);
  });

  it("keeps so many of each rule and destination, and a talkative one pushes out no other", async () => {
    await remember(ledger, result({ ruleId: "quiet", says: "quiet", atMs: 1 }));
    for (let atMs = 1; atMs <= RESULTS_KEPT + 3; atMs++) await remember(ledger, result({ ruleId: "a", atMs }));
    const kept = await remembered(ledger, "canary", "photos");
    assert.equal(kept.length, RESULTS_KEPT + 1);
    const times = kept.filter((one) => one.ruleId === "a").map((one) => one.atMs);
    assert.deepEqual([times[0], times.at(-1)], [RESULTS_KEPT + 3, 4]);
    assert.deepEqual(await says("canary", "photos").then((all) => all.filter((one) => one !== "")), ["quiet"]);
  });

  it("keeps rules apart whose names begin alike, and results without a rule from those of one", async () => {
    for (const ruleId of ["a", "a b", undefined]) {
      for (let atMs = 1; atMs <= RESULTS_KEPT; atMs++) {
        await remember(ledger, result({ atMs, ...(ruleId === undefined ? {} : { ruleId }) }));
      }
    }
    assert.equal((await remembered(ledger)).length, 3 * RESULTS_KEPT);
    assert.equal((await latest(ledger)).length, 3);
  });

  it("shows the latest of each rule, and no rule that a later watch does not speak of", async () => {
    const of = { kind: "canary", subject: "photos" } as const;
    await rememberAll(ledger, of, [result({ ruleId: "a", says: "1" }), result({ ruleId: "gone", says: "1" })]);
    await rememberAll(ledger, { ...of, subject: "photos-2026" }, [result({ subject: "photos-2026", says: "2" })]);
    await rememberAll(ledger, of, [result({ ruleId: "a", says: "3", atMs: 2000 })]);
    assert.deepEqual(
      (await latest(ledger)).map((one) => [one.subject, one.ruleId, one.says]),
      [
        ["photos", "a", "3"],
        ["photos-2026", undefined, "2"],
      ],
    );
    assert.equal((await remembered(ledger, "canary", "photos")).length, 3);
  });
});
