/** What diagnose begins with where it need not look at every version: an inventory, and what failures are told of. */
import type { Explained } from "../core/diagnose/diagnose.ts";
import type { EvidenceSource } from "../core/diagnose/report.ts";
import { FailureLog } from "../doctor/evidence/failure-log.ts";
import { examineInventory } from "../doctor/evidence/inventory.ts";
import { withInventory } from "../doctor/evidence/inventory-files.ts";
import type { Surroundings } from "../doctor/ports.ts";
import { plural } from "../doctor/report.ts";
import { type CommandInput, textOption } from "./command.ts";
import type { Context } from "./context.ts";

export interface EvidenceScope {
  readonly bucket: string;
  readonly prefix?: string;
}

export async function scanEvidence(
  surroundings: Surroundings,
  scope: EvidenceScope,
  input: CommandInput,
  context: Context,
): Promise<Explained> {
  const log = new FailureLog();
  const { records } = surroundings;
  for await (const page of records?.failures(scope.bucket, scope.prefix) ?? []) for (const one of page) log.add(one);
  const sources: EvidenceSource[] = [];
  const where = textOption(input, "inventory") ?? "";
  context.stderr.write(`reading the inventory ${where} of s3://${scope.bucket}\n`);
  const explained = await withInventory(surroundings, scope.bucket, where, async (inventory) => {
    const { examination, rows, looked } = await examineInventory(surroundings, scope, inventory, log);
    sources.push({
      kind: "inventory",
      name: inventory.name,
      takenAt: new Date(inventory.manifest.takenAtMs).toISOString(),
      says: `${plural(rows, "row")}, ${plural(looked, "version")} looked at; what was written since is not in it`,
    });
    return examination.explained();
  });
  return { ...explained, diagnosis: { ...explained.diagnosis, sources } };
}
