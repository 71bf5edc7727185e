/** `audit s3://SRC [s3://DST]`: two buckets under one set of credentials, by their listings or by inventories. */
import { join, resolve } from "node:path";
import type { AuditEnds } from "../../doctor/audit/ports.ts";
import { type CommandInput, type CommandResult, isGiven, textOption } from "../command.ts";
import { connect } from "../connection.ts";
import type { Context } from "../context.ts";
import { parseBucketUri } from "../s3-uri.ts";
import { stateDirectory } from "../state-directory.ts";
import { bucketEnds } from "./bucket-ends.ts";
import { withInventories } from "./inventories.ts";
import { AUDITS_DIRECTORY } from "./places.ts";
import { auditResult, auditWish, watchedAudit } from "./wish.ts";

/** @throws UsageError, EvidenceError, S3Error */
export async function auditBuckets(input: CommandInput, context: Context): Promise<CommandResult> {
  const wish = auditWish(input);
  const source = parseBucketUri(input.arguments[0] ?? "");
  const destination = input.arguments[1] === undefined ? undefined : parseBucketUri(input.arguments[1]);
  const prefix = textOption(input, "prefix");
  const inventories = {
    source: textOption(input, "sourceInventory"),
    destination: textOption(input, "destinationInventory"),
  };
  const directory = resolve(
    context.workingDirectory,
    textOption(input, "reportDir") ?? join(stateDirectory(context), AUDITS_DIRECTORY),
  );
  const connection = await connect(input, context);
  try {
    const asked = {
      source,
      ...(destination === undefined ? {} : { destination }),
      ...(prefix === undefined ? {} : { prefix }),
    };
    const listed = await bucketEnds(connection, asked);
    const audited = async (ends: AuditEnds, from: "listings" | "inventories") => {
      const one = { request: { subject: `s3://${source}`, ...wish }, ends, from, directory };
      const found = await watchedAudit(one, context);
      if (!isGiven(input, "repair")) return auditResult(found);
      const { console: engine } = connection;
      const { repair } = await import("./repair.ts");
      return auditResult(found, await repair(found.report, { bucket: source, engine }, context));
    };
    if (inventories.source === undefined && inventories.destination === undefined)
      return await audited(listed, "listings");
    return await withInventories(connection, { listed, inventories }, (ends) => audited(ends, "inventories"));
  } finally {
    await connection.close();
  }
}
