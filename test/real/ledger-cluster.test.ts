/**
 * The distributed ledger under several machines: who does what once, in order, and what survives when a machine or the
 * server dies. Needs the package `postgresql`.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { DatabaseError } from "../../src/ledger/database-error.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { MIGRATIONS } from "../../src/ledger/postgres/schema.ts";
import { claimOne, DESTINATION, DONE, job, NOW, request, task, totals } from "../conformance/ledger/harness.ts";
import { check, type Said, startWorker, workOff } from "../ledger/crash.ts";
import { type PostgresServer, startPostgres } from "./postgres.ts";

const WORKER = fileURLToPath(new URL("ledger-worker.js", import.meta.url));

function runWorker(url: string, name: string, mode = ""): ChildProcess {
  return spawn(process.execPath, ["--no-warnings", WORKER, url, name, mode], { stdio: ["pipe", "pipe", "inherit"] });
}

async function lastLineOf(child: ChildProcess): Promise<unknown> {
  const exited = once(child, "exit");
  let last = "";
  assert.ok(child.stdout !== null);
  for await (const line of createInterface(child.stdout)) last = line;
  assert.deepEqual(await exited, [0, null]);
  return JSON.parse(last);
}

async function onServer<T>(url: string, work: (client: pg.Client, schema: string) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client, new URL(url).searchParams.get("schema") ?? "");
  } finally {
    await client.end();
  }
}

/** What a killed client had sent is worked off by the server after its death. */
async function nobodyIsConnected(url: string): Promise<void> {
  await onServer(url, async (client) => {
    for (let tries = 0; tries < 1000; tries++) {
      const { rows } = await client.query(
        `SELECT pg_sleep(0.01) FROM pg_stat_activity
         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() LIMIT 1`,
      );
      if (rows.length === 0) return;
    }
    assert.fail("the killed clients are still connected");
  });
}

/**
 * What `src/ledger/postgres/schema.ts` says is true of every lane and counter, asked the slow way. Nothing must be running.
 */
async function assertInvariants(url: string): Promise<void> {
  const broken = await onServer(url, async (client, schema) => {
    await client.query(`SET search_path = ${schema}`);
    const { rows } = await client.query(`
      WITH right_lanes AS (
        SELECT l.id, (SELECT t.id FROM tasks t WHERE t.lane_id = l.id AND NOT t.is_parked
            AND (l.lease_until_ms IS NULL OR t.id = l.head_id) ORDER BY t.position, t.id LIMIT 1) AS head_id,
          (SELECT min(t.origin) FROM tasks t WHERE t.lane_id = l.id AND NOT t.is_parked) AS origin
        FROM lanes l
      ), right_counts AS (
        SELECT group_id, count(*) AS tasks, sum(size_bytes) AS bytes FROM tasks GROUP BY group_id
      )
      SELECT 'head' AS what, l.id FROM lanes l JOIN right_lanes r USING (id) LEFT JOIN tasks t ON t.id = r.head_id
      WHERE (l.head_id, l.due_at_ms, l.size_bytes, l.line)
        IS DISTINCT FROM (r.head_id, t.next_try_at_ms, t.size_bytes, line_of(r.origin, t.size_bytes))
      UNION ALL SELECT 'empty lane', l.id FROM lanes l WHERE NOT EXISTS (SELECT FROM tasks t WHERE t.lane_id = l.id)
      UNION ALL SELECT 'task without a lane', t.id FROM tasks t WHERE NOT EXISTS (SELECT FROM lanes l WHERE l.id = t.lane_id)
      UNION ALL SELECT 'lease of nothing', l.id FROM lanes l WHERE l.lease_until_ms IS NOT NULL AND l.head_id IS NULL
      UNION ALL SELECT 'parked in the wrong group', t.id FROM tasks t JOIN task_groups g ON g.id = t.group_id
      WHERE g.is_parked <> t.is_parked
      UNION ALL SELECT 'count of a job', j.number FROM jobs j
      WHERE (SELECT coalesce(sum(open), 0) FROM job_counts WHERE job_id = j.id)
        <> (SELECT count(*) FROM tasks t WHERE t.job_id = j.id AND NOT t.is_parked)
      UNION ALL SELECT 'count', c.group_id FROM
        (SELECT group_id, sum(tasks) AS tasks, sum(bytes) AS bytes FROM group_counts GROUP BY group_id) c
        FULL JOIN right_counts r USING (group_id)
      WHERE (coalesce(c.tasks, 0), coalesce(c.bytes, 0)) <> (coalesce(r.tasks, 0), coalesce(r.bytes, 0))`);
    return rows;
  });
  assert.deepEqual(broken, []);
}

describe("several machines on one distributed ledger", () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(async () => {
    await server.stop();
  });

  it("work off 5,000 tasks in 500 lanes, each once, every lane in order", async () => {
    const url = server.freshUrl();
    const ledger = await openLedger(url);
    const tasks = Array.from({ length: 5000 }, (_, index) =>
      task({ key: `lane${index % 500}`, versionId: `${Math.floor(index / 500)}` }),
    );
    assert.deepEqual(await ledger.add(tasks), { added: 5000 });
    await onServer(url, async (client, schema) => {
      await client.query(`CREATE TABLE ${schema}.journal (id serial, worker text, lane text, version text)`);
    });
    const done = await Promise.all(["a", "b", "c", "d"].map((name) => lastLineOf(runWorker(url, name))));
    assert.equal(
      done.reduce((sum: number, one) => sum + Number(one), 0),
      5000,
    );
    const lanes = await onServer(url, async (client, schema) => {
      const { rows } = await client.query<{ versions: string; workers: number }>(
        `SELECT string_agg(version, ',' ORDER BY id) AS versions, count(DISTINCT worker)::int AS workers
         FROM ${schema}.journal GROUP BY lane`,
      );
      return rows;
    });
    assert.equal(lanes.length, 500);
    assert.deepEqual([...new Set(lanes.map((lane) => lane.versions))], ["0,1,2,3,4,5,6,7,8,9"]);
    assert.ok(
      lanes.some((lane) => lane.workers > 1),
      "no lane was worked off by more than one machine",
    );
    assert.deepEqual(totals(await ledger.counts()), { completed: 5000 });
    await ledger.close();
  });

  it("add, end, redrive and drop tasks of the same lanes at once: none is lost or doubled, nobody waits in a circle", async () => {
    const url = server.freshUrl();
    const ledgers = await Promise.all(Array.from({ length: 4 }, () => openLedger(url)));
    const versions = (own: number, round: number) =>
      Array.from({ length: 20 }, (_, index) =>
        task({ key: `lane${(index * 7 + own * 3) % 20}`, versionId: `v${round}`, operation: own % 2 ? "tags" : "put" }),
      ).map((one, index) => ({ ...one, jobId: `job${(index + round + own) % 2}` }));
    const jobs = ["job0", "job1"];
    for (const id of jobs) await ledgers[0]?.addJob(job({ id }));
    let added = 0;
    let discarded = 0;
    await Promise.all(
      ledgers.map(async (ledger, own) => {
        for (let round = 0; round < 25; round++) {
          const adding = ledger.add(versions(own, round)).then((one) => (added += one.added));
          const claims = await ledger.claim(request({ worker: `w${own}`, limit: 5 }));
          await Promise.all([
            adding,
            ...claims.map((claim, index) =>
              index === 0 && round % 5 === 0
                ? ledger.park(claim, {
                    startedAtMs: NOW,
                    endedAtMs: NOW,
                    failure: { code: "A", step: "s", message: "" },
                  })
                : ledger.complete(claim, DONE),
            ),
            round % 6 === own ? ledger.redrive({}, NOW) : undefined,
            round % 8 === own
              ? ledger.discard({ bucket: "source", prefix: "lane1" }).then((one) => (discarded += one.discarded))
              : undefined,
          ]);
        }
      }),
    );
    const [ledger] = ledgers;
    assert.ok(ledger !== undefined);
    const counted = totals(await ledger.counts());
    const all = Object.values(counted).reduce((sum, tasks) => sum + tasks, 0);
    assert.equal(all + discarded, added);
    await assertInvariants(url);
    await workOff(ledger);
    await onServer(url, async (client, schema) => {
      const { rows } = await client.query(`SELECT 1 FROM ${schema}.lanes UNION ALL SELECT 1 FROM ${schema}.tasks`);
      assert.equal(rows.length, 0, "lanes without tasks are left");
    });
    await Promise.all(ledgers.map((one) => one.close()));
  });

  it("take the tasks of one that froze, which can then neither renew nor end them", async () => {
    const url = server.freshUrl();
    const ledger = await openLedger(url);
    await ledger.add(["a", "b", "c"].map((key) => task({ key })));
    const frozen = runWorker(url, "frozen", "freeze");
    assert.ok(frozen.stdout !== null && frozen.stdin !== null);
    await once(frozen.stdout, "data");
    frozen.kill("SIGSTOP");
    const claims = await ledger.claim(request({ worker: "next", nowMs: NOW + 10 ** 6, leaseUntilMs: NOW + 10 ** 7 }));
    assert.equal(claims.length, 3);
    const answer = lastLineOf(frozen);
    frozen.stdin.write("go\n");
    frozen.kill("SIGCONT");
    const lost = claims.map((claim) => claim.task.id);
    assert.deepEqual(await answer, [{ lost }, false, false, false]);
    for (const claim of claims) assert.equal(await ledger.complete(claim, DONE), true);
    assert.deepEqual(totals(await ledger.counts()), { completed: 3 });
    await ledger.close();
  });

  it("hear at once that another one has added something", async () => {
    const url = server.freshUrl();
    const [one, other] = [await openLedger(url), await openLedger(url)];
    let hinted: () => void = () => undefined;
    const next = () => new Promise<void>((resolve) => (hinted = resolve));
    let hint = next();
    other.onDue(() => hinted());
    // The first hint says that it listens.
    await hint;
    hint = next();
    await one.add([task()]);
    await hint;
    await other.complete(await claimOne(other), DONE);
    await one.close();
    await other.close();
  });

  it("lose nothing when machines are killed and the server crashes in between, and count exactly", async () => {
    const url = server.freshUrl();
    const said: Said = new Map();
    for (let round = 0; round < 3; round++) {
      let lines = 0;
      let reached: () => void = () => undefined;
      const hear = () => {
        if (--lines === 0) reached();
      };
      const linesMore = (count: number) =>
        new Promise<void>((resolve) => {
          lines = count;
          reached = resolve;
        });
      let spoken = linesMore(600);
      const workers = Array.from({ length: 4 }, (_, index) => startWorker(url, round * 4 + index, said, hear));
      await spoken;
      await server.crash();
      await server.start();
      spoken = linesMore(600);
      await spoken;
      workers[0]?.kill("SIGKILL");
      spoken = linesMore(400);
      await spoken;
      for (const worker of workers) worker.kill("SIGKILL");
      await Promise.all(workers.map((worker) => worker.gone));
      await nobodyIsConnected(url);
      const ledger = await openLedger(url);
      await check(ledger, said);
      await assertInvariants(url);
      await ledger.close();
    }
    const ledger = await openLedger(url);
    await workOff(ledger);
    await ledger.close();
  });
});

describe("a distributed ledger whose server goes away", () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(async () => {
    await server.stop();
  });

  it("rejects with a DatabaseError meanwhile, works again when it is back, and says so to those who listen", async () => {
    const ledger = await openLedger(server.freshUrl());
    let hinted: () => void = () => undefined;
    const next = () => new Promise<void>((resolve) => (hinted = resolve));
    let hint = next();
    ledger.onDue(() => hinted());
    await hint;
    await ledger.add([task()]);
    await server.crash();
    const isReported = (error: unknown) => error instanceof DatabaseError && error.reason === "io";
    await assert.rejects(ledger.add([task({ key: "late" })]), isReported);
    await assert.rejects(ledger.claim(request()), isReported);
    await assert.rejects(ledger.counts(), isReported);
    hint = next();
    await server.start();
    await hint;
    await ledger.complete(await claimOne(ledger), DONE);
    await ledger.add([task({ key: "late" })]);
    assert.deepEqual(totals(await ledger.counts()), { completed: 1, waiting: 1 });
    await ledger.close();
  });

  it("is refused when a newer version has changed its schema, also on a connection that is made later", async () => {
    const url = server.freshUrl();
    const ledger = await openLedger(url);
    await onServer(url, async (client, schema) => {
      await client.query(`UPDATE ${schema}.ledger SET format = 99`);
    });
    const isNewer = (error: unknown) =>
      error instanceof DatabaseError && error.reason === "newerVersion" && /format 99/.test(error.message);
    await assert.rejects(openLedger(url), isNewer);
    await assert.rejects(ledger.counts(), isNewer);
    await ledger.close();
  });

  it("is upgraded with its rows from format 1, and has no work any more for programs that know only that", async () => {
    const url = server.freshUrl();
    const OLD_CLAIM = "claim_tasks(text, integer, bigint, bigint, bigint, bigint, integer, integer)";
    await onServer(url, async (client, schema) => {
      await client.query(`CREATE SCHEMA ${schema}; SET search_path = ${schema}; ${MIGRATIONS[0] ?? ""}`);
      await client.query(`UPDATE ledger SET format = 1;
        CREATE FUNCTION ${OLD_CLAIM} RETURNS SETOF task_rows LANGUAGE sql AS 'SELECT * FROM task_rows';
        INSERT INTO names (name) VALUES ('source'), ('${DESTINATION}');
        INSERT INTO task_groups (bucket_id, destination_id, rule_id, operation, is_parked, failure_code)
          VALUES (1, 2, 'rule', 0, false, '');
        INSERT INTO group_counts VALUES (1, 0, 2, 200, 7, 700);
        INSERT INTO tasks (id, lane_id, group_id, version_id, operation, origin, position, size_bytes, written_at_ms,
            due_at_ms, next_try_at_ms)
          SELECT nextval('task_ids'), 1, 1, 'v' || n, 0, 0, 0, 100, n, n, n FROM generate_series(1, 2) n;
        INSERT INTO lanes (bucket_id, destination_id, key, head_id, line, due_at_ms, size_bytes)
          VALUES (1, 2, 'a', 1, 0, 1, 100)`);
    });
    const ledger = await openLedger(url);
    await ledger.add([task({ key: "b", jobId: "job" })]);
    assert.deepEqual(totals(await ledger.counts()), { completed: 7, waiting: 3 });
    for (const claim of await ledger.claim(request())) await ledger.complete(claim, DONE);
    await ledger.complete(await claimOne(ledger), DONE);
    assert.deepEqual(totals(await ledger.counts()), { completed: 10 });
    const [lag] = (await ledger.tallies()).lags;
    assert.equal(
      lag?.tasks.reduce((sum, one) => sum + one, 0),
      3,
    );
    await onServer(url, async (client, schema) => {
      const { rows } = await client.query("SELECT to_regprocedure($1) AS found", [`${schema}.${OLD_CLAIM}`]);
      assert.deepEqual(rows, [{ found: null }]);
    });
    await ledger.close();
  });

  it("is refused when the schema holds something else, and its tables are left alone", async () => {
    const url = server.freshUrl();
    await onServer(url, async (client, schema) => {
      await client.query(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.tasks (mine int)`);
    });
    await assert.rejects(openLedger(url), (error) => error instanceof DatabaseError && error.reason === "foreign");
  });

  it("is made once when many open it at the same time, over TCP or a socket", async () => {
    const url = server.socketUrl();
    const ledgers = await Promise.all(Array.from({ length: 8 }, () => openLedger(url)));
    await ledgers[0]?.setCheckpoint("feed", "7");
    assert.equal(await ledgers[7]?.checkpoint("feed"), "7");
    await Promise.all(ledgers.map((ledger) => ledger.close()));
  });

  it("never shows a password when it cannot be reached or will not let us in", async () => {
    const reachable = new URL(server.freshUrl());
    reachable.password = "hunter2";
    reachable.pathname = "/nowhere";
    const unreachable = new URL(reachable);
    unreachable.port = "1";
    for (const url of [reachable, unreachable]) {
      await assert.rejects(openLedger(url.toString()), (error) => {
        assert.ok(error instanceof DatabaseError);
        assert.doesNotMatch(`${error.message} ${String(error.cause)} ${JSON.stringify(error)}`, /hunter2/);
        return true;
      });
    }
  });
});
