/**
 * Looks by HEAD at the versions that a resync may be about: at every version of a bucket or prefix, or at those that an
 * inventory does not show as done. What events and reports tell of them counts as recorded.
 */
import type { Selection } from "../../core/batch/select.ts";
import type { Facts } from "../../core/diagnose/facts.ts";
import { collectFacts } from "../../doctor/collect.ts";
import type { FailureLog } from "../../doctor/evidence/failure-log.ts";
import { withInventory } from "../../doctor/evidence/inventory-files.ts";
import { undoneVersions } from "../../doctor/evidence/inventory-undone.ts";
import { lookAt } from "../../doctor/evidence/look.ts";
import { plural } from "../../doctor/report.ts";
import type { Connection } from "../connection.ts";
import type { Context } from "../context.ts";
import { readTold } from "../diagnosis/evidence.ts";
import type { BatchRequest } from "./request.ts";

type Wanted = Pick<BatchRequest, "bucket" | "prefix" | "evidence" | "selection">;

/** @throws UsageError, EvidenceError when the evidence cannot be used; S3Error when there is no bucket */
export async function lookAtVersions(connection: Connection, wanted: Wanted, context: Context): Promise<Facts> {
  const { stderr } = context;
  const { bucket, prefix, evidence } = wanted;
  const scope = { bucket, ...(prefix === undefined ? {} : { prefix }) };
  const isLive = stderr.isTTY === true;
  const onSeen = (versions: number) => {
    if (isLive) stderr.write(`\r\u001b[Klooking at s3://${bucket}: ${plural(versions, "version")}`);
  };
  let facts: Facts;
  if (evidence === undefined) facts = await collectFacts(connection, scope, onSeen);
  else {
    const { log, drain } = await readTold(connection, { scope, ...evidence }, context);
    const { inventory } = evidence.wish;
    facts =
      inventory === undefined
        ? await collectFacts({ ...connection, records: log }, scope, onSeen)
        : await lookAtUndone(connection, wanted, { where: inventory, log, onSeen });
    await drain();
  }
  if (isLive) stderr.write("\r\u001b[K");
  return facts;
}

async function lookAtUndone(
  connection: Connection,
  { bucket, prefix, selection }: Wanted,
  by: { readonly where: string; readonly log: FailureLog; readonly onSeen: (versions: number) => void },
): Promise<Facts> {
  const scope = { bucket, ...(prefix === undefined ? {} : { prefix }) };
  return await withInventory(connection, bucket, by.where, async (inventory) => {
    const { listed, oldestCompletedMs } = await undoneVersions(inventory, scope, unwanted(selection));
    const records = listed.flatMap(({ key, versionId }) =>
      by.log.of(key, versionId).map((one) => ({ key, versionId, ...one })),
    );
    return { ...(await lookAt(connection, bucket, { listed, records }, by.onSeen)), oldestCompletedMs };
  });
}

function unwanted({ statuses }: Selection): string[] {
  return (["COMPLETED", "REPLICA"] as const).filter((one) => !statuses.includes(one));
}
