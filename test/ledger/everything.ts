/** All that can be asked of a ledger, for the tests that look at what it costs. */
import assert from "node:assert/strict";
import type { Ledger, Selection } from "../../src/ledger/ledger.ts";
import { DESTINATION, DONE, failedAttempt, job, NOW, request, task } from "../conformance/ledger/harness.ts";

const SELECTIONS: readonly Selection[] = [
  {},
  { bucket: "source" },
  { bucket: "source", key: "key1" },
  { bucket: "source", prefix: "k" },
  { bucket: "source", prefix: "k", state: "waiting" },
  { bucket: "source", prefix: "k", state: "parked" },
  { state: "leased" },
  { state: "parked", failureCodes: ["A"] },
  { ruleId: "rule", destinationArn: DESTINATION, operation: "put" },
  { ids: [1, 2, 3] },
  { jobId: "job" },
];

/**
 * Calls every method, on every way that it has, with small limits.
 *
 * @param dropped what is discarded in the end
 */
export async function doEverything(ledger: Ledger, dropped: Selection = {}): Promise<void> {
  await ledger.add(Array.from({ length: 12 }, (_, index) => task({ key: `key${index % 6}`, versionId: `v${index}` })));
  await ledger.addJob(job());
  await ledger.add([task({ key: "key1", versionId: "v1" }), task({ key: "of the job", jobId: "job" })]);
  const [done, later, parked, released] = await ledger.claim(request({ limit: 4 }));
  assert.ok(done && later && parked && released);
  await ledger.claim(request({ limit: 1, sizeAtMostBytes: 2 ** 24 }));
  await ledger.note(done, "half way");
  await ledger.complete(done, { ...DONE, replicaVersionId: "own" });
  await ledger.retryLater(later, failedAttempt("A"), NOW);
  await ledger.park(parked, failedAttempt("A"));
  await ledger.renew([released], NOW + 1);
  await ledger.release([released]);
  for (const selection of SELECTIONS) {
    const { next } = await ledger.list(selection, { limit: 1 });
    if (next !== undefined) await ledger.list(selection, { limit: 1, after: next });
  }
  await ledger.ofVersions([task().version]);
  await ledger.replicaOf(task().version, DESTINATION);
  await ledger.counts();
  await ledger.counts("source");
  await ledger.tallies("source");
  // Of those that were written long ago: to count what is overdue costs as much as there is, up to a limit.
  await ledger.overdue(0);
  const limits = [{ bucket: "source", destinationArn: DESTINATION, atMost: 1, held: 2 }];
  await ledger.claim(request({ limit: 1, limits: [{ bucket: "source", destinationArn: DESTINATION, atMost: 0 }] }));
  await ledger.nextDueAtMs({ limits });
  await ledger.nextDueAtMs();
  await ledger.hurry({ bucket: "source", destinationArn: DESTINATION }, NOW);
  // Of a row that stands far ahead: to count who is before one costs as much as there are.
  const [ahead] = (await ledger.list({ bucket: "source", key: "of the job" }, { limit: 1 })).tasks;
  await ledger.standing(ahead?.id ?? 0, 0);
  await ledger.changeJob("job", { counts: { listed: 1 } });
  await ledger.jobs();
  await ledger.nextDueAtMs({ sizeOverBytes: 2 ** 24 });
  await ledger.redrive({}, NOW);
  await ledger.discard(dropped);
  await ledger.setCheckpoint("feed", "1");
  await ledger.checkpoint("feed");
  await ledger.checkpoints("f");
  await ledger.setCheckpoint("feed", undefined);
  await ledger.hold("scan", "a", { nowMs: NOW, untilMs: NOW + 1 });
  await ledger.letGo("scan", "a");
}
