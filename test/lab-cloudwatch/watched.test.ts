/** Buckets that AWS replicates itself, as `run` watches them: looked up over the lab's CloudWatch, kept, shown as metrics, told as alerts. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { systemClock } from "../../src/cli/clock.ts";
import type { SiteSettings } from "../../src/cli/config/settings.ts";
import { SiteClients } from "../../src/cli/run/clients.ts";
import { readFlows } from "../../src/cli/run/watched-flows.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { seenIn } from "../../src/monitor/alerts/conditions.ts";
import { DEFAULT_ALERT_SETTINGS } from "../../src/monitor/alerts/settings.ts";
import { metricsOf } from "../../src/monitor/metrics/metrics.ts";
import type { Observation } from "../../src/monitor/observation.ts";
import { lookUpDue, type PublishingOptions, publishedIn, type Tries } from "../../src/monitor/published.ts";
import { PROFILES } from "../../src/s3/profiles.ts";
import { EngineWorld, REPLICA, SOURCE } from "../engine/world.ts";
import { REGION } from "../lab-s3/lab.ts";

const MINUTE = 60_000;
const RULE = `replication="photos",rule="all",destination="${REPLICA}"`;
const WATCHED = { name: "photos", site: "aws", bucket: SOURCE, everyMs: 5 * MINUTE };

describe("a bucket that AWS replicates itself", () => {
  let world: EngineWorld;
  let clients: SiteClients;
  let ledger: Ledger;
  let nowMs = Date.now();
  const troubles: string[] = [];
  const tries: Tries = new Map();

  before(async () => {
    world = await EngineWorld.start();
    await world.buckets({ destination: { Metrics: { Status: "Enabled" } } });
    ledger = openSqliteLedger({ path: ":memory:" });
    clients = new SiteClients({ environment: {}, clock: systemClock(Date.now) });
    use(world.lab.alice);
  });
  after(async () => {
    await clients.close();
    await ledger.close();
    await world.stop();
  });

  function use({ accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string }): void {
    const site: SiteSettings = {
      name: "aws",
      endpoint: world.lab.endpoint,
      region: REGION,
      profile: PROFILES.aws,
      isProfileGuessed: false,
      addressing: "path",
      credentials: { kind: "keys", accessKeyId, secretAccessKey },
      limits: {},
    };
    clients.use(new Map([["aws", site]]));
  }

  function options(name = "run"): PublishingOptions {
    const clock = { nowMs: () => nowMs, sleep: async () => undefined, random: () => 0 };
    return {
      ledger,
      clock,
      name,
      buckets: () => [WATCHED],
      read: readFlows({ clients, clock, watched: () => [WATCHED] }),
      onTrouble: (says) => troubles.push(says),
    };
  }

  async function observed(): Promise<Observation> {
    return {
      atMs: nowMs,
      counts: [],
      replications: [],
      engines: [],
      results: [],
      published: await publishedIn(ledger),
    };
  }

  async function figures(): Promise<ReadonlyMap<string, number>> {
    const tallies = { lags: [], failures: [] };
    const text = await metricsOf({ observation: await observed(), tallies, overdue: [], version: "1.2.3" });
    const lines = text.split("\n").filter((line) => line.startsWith("lockstep_"));
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
    );
  }

  it("shows its backlog in the metrics that backlogs have, and how long the oldest has waited", async () => {
    world.lab.skewMs = -120_000;
    await world.put("waiting", { body: Buffer.from("12345") });
    world.lab.skewMs = 0;
    nowMs = Date.now();
    await lookUpDue(options(), tries);
    assert.deepEqual(troubles, []);
    const shown = await figures();
    assert.equal(shown.get(`lockstep_backlog_operations{${RULE}}`), 1);
    assert.equal(shown.get(`lockstep_backlog_bytes{${RULE}}`), 5);
    const age = shown.get(`lockstep_backlog_oldest_age_seconds{${RULE}}`) ?? 0;
    assert.ok(age >= 119 && age < 240, String(age));
    assert.equal(shown.get('lockstep_published_read_timestamp_seconds{replication="photos"}'), nowMs / 1000);
    assert.equal(shown.get(`lockstep_failures_total{${RULE},reason=""}`), 0);
  });

  it("is asked for no earlier than it is due, by one engine of those on a ledger", async () => {
    let asked = 0;
    const counting = (name: string): PublishingOptions => ({
      ...options(name),
      read: async () => {
        asked += 1;
        return [];
      },
    });
    nowMs += 4 * MINUTE;
    await lookUpDue(counting("run"), tries);
    assert.equal(asked, 0);
    nowMs += MINUTE;
    await lookUpDue(counting("another, while the first holds it"), new Map());
    assert.equal(asked, 0);
  });

  it("counts what ended once, when its minute is complete, also after a restart", async () => {
    await world.settle();
    await world.permit({ but: ["s3:ReplicateObject"] });
    await world.put("refused");
    await world.settle();
    await world.permit();
    nowMs = Math.max(nowMs, Date.now()) + 30 * MINUTE;
    await lookUpDue(options(), tries);
    const shown = await figures();
    assert.equal(shown.get(`lockstep_completed_total{${RULE},operation=""}`), 1);
    assert.equal(shown.get(`lockstep_failures_total{${RULE},reason=""}`), 1);
    // The same minutes are looked at again, and count no more.
    nowMs += 6 * MINUTE;
    await lookUpDue(options(), new Map());
    assert.equal((await figures()).get(`lockstep_failures_total{${RULE},reason=""}`), 1);
  });

  it("alerts as a cause while operations of the last hour have failed, with the command that tells why", async () => {
    const known = { observation: await observed(), backlogs: {}, redriven: [], drifted: [] };
    const [sign, ...others] = seenIn(known, DEFAULT_ALERT_SETTINGS).signs.filter((one) => one.condition === "newCause");
    assert.deepEqual(others, []);
    assert.equal(sign?.title, `photos → ${REPLICA}: the store could not replicate versions`);
    assert.match(sign?.says ?? "", /^1 operation of the last hour's 2 operations FAILED \(rule "all"\), as CloudWatch/);
    assert.equal(sign?.command, `lockstep diagnose s3://${SOURCE}`);
    nowMs += 61 * MINUTE;
    await lookUpDue(options(), tries);
    const later = { ...known, observation: await observed() };
    assert.deepEqual(seenIn(later, DEFAULT_ALERT_SETTINGS).signs, []);
  });

  it("says once what may not be read, keeps what it knew, and does not show it as read anew", async () => {
    const before_ = await figures();
    use({ accessKeyId: "AKIANOBODY0000000000", secretAccessKey: "nothing" });
    for (let round = 0; round < 3; round++) {
      nowMs += 5 * MINUTE;
      await lookUpDue(options(), tries);
    }
    assert.equal(troubles.length, 1);
    assert.match(troubles[0] ?? "", new RegExp(`^photos: metrics of s3://${SOURCE} cannot be read: `));
    const READ = 'lockstep_published_read_timestamp_seconds{replication="photos"}';
    assert.equal((await figures()).get(READ), before_.get(READ));
    use(world.lab.alice);
  });

  it("says of a bucket whose rules have no metrics that they have to be enabled", async () => {
    troubles.length = 0;
    await world.rule();
    nowMs += 5 * MINUTE;
    await lookUpDue(options(), tries);
    assert.match(troubles[0] ?? "", /no enabled rule of it has metrics: enable them \(Metrics, Status Enabled\)/);
  });

  it("is forgotten when it is watched no more", async () => {
    assert.equal((await publishedIn(ledger)).length, 1);
    await lookUpDue({ ...options(), buckets: () => [{ ...WATCHED, name: "other" }] }, tries);
    assert.deepEqual(
      (await publishedIn(ledger)).map((one) => one.name),
      ["other"],
    );
  });
});
