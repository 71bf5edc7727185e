/**
 * One of several machines that work off a distributed ledger, for `ledger-cluster.test.ts`. While it holds a task it
 * writes it into the table `journal` of the same schema, whose order is therefore that of the work.
 *
 * With `freeze` it claims once, says so, and ends what it claimed when a line comes in; its answers are the last it says.
 */
import { once } from "node:events";
import pg from "pg";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { DONE, failedAttempt, NOW, request } from "../conformance/ledger/harness.ts";

const [url = "", worker = "", mode = ""] = process.argv.slice(2);
const ROUNDS_MAX = 10_000;

async function workOff(ledger: Ledger): Promise<number> {
  const schema = new URL(url).searchParams.get("schema") ?? "";
  const journal = new pg.Client({ connectionString: url });
  await journal.connect();
  let done = 0;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const claims = await ledger.claim(request({ worker, limit: 1 + ((round * 7) % 40) }));
    if (claims.length === 0 && (await ledger.nextDueAtMs()) === undefined) break;
    await journal.query(
      `INSERT INTO ${schema}.journal (worker, lane, version) SELECT $1, unnest($2::text[]), unnest($3::text[])`,
      [worker, claims.map((claim) => claim.task.version.key), claims.map((claim) => claim.task.version.versionId)],
    );
    const answers = await Promise.all(claims.map((claim) => ledger.complete(claim, DONE)));
    done += answers.filter(Boolean).length;
  }
  await journal.end();
  return done;
}

async function freeze(ledger: Ledger): Promise<unknown> {
  const claims = await ledger.claim(request({ worker, limit: 3 }));
  process.stdout.write("claimed\n");
  await once(process.stdin, "data");
  process.stdin.destroy();
  const [first, second, third] = claims;
  if (first === undefined || second === undefined || third === undefined) throw new Error("three tasks were to be had");
  return [
    await ledger.renew(claims, NOW + 10 ** 9),
    await ledger.complete(first, DONE),
    await ledger.park(second, failedAttempt()),
    await ledger.retryLater(third, failedAttempt(), NOW),
  ];
}

const ledger = await openLedger(url);
const answer = mode === "freeze" ? await freeze(ledger) : await workOff(ledger);
await ledger.close();
process.stdout.write(`${JSON.stringify(answer)}\n`);
