/** Inventories in the place of listings, while their files are here. */
import { inventoryEnd } from "../../doctor/audit/inventory-end.ts";
import type { AuditEnd, AuditEnds } from "../../doctor/audit/ports.ts";
import { withInventory } from "../../doctor/evidence/inventory-files.ts";
import type { Surroundings } from "../../doctor/ports.ts";

/** @throws EvidenceError when an inventory cannot be used */
export async function withInventories<Found>(
  surroundings: Surroundings,
  given: {
    readonly listed: AuditEnds;
    readonly inventories: Readonly<Record<"source" | "destination", string | undefined>>;
  },
  use: (ends: AuditEnds) => Promise<Found>,
): Promise<Found> {
  const { listed, inventories } = given;
  const end = async (side: "source" | "destination", then: (end: AuditEnd) => Promise<Found>): Promise<Found> => {
    const where = inventories[side];
    const from = listed[side];
    if (where === undefined) {
      // What is history at the other end has not moved since: nothing is looked at twice.
      const { ofKey: _, ...rest } = from;
      return await then(rest);
    }
    const bucket = from.reader?.bucket ?? "";
    return await withInventory(surroundings, bucket, where, async (inventory) => {
      const opened = await inventoryEnd(inventory, { name: from.name, bucket, prefix: listed.prefix });
      try {
        return await then(from.reader === undefined ? opened.end : { ...opened.end, reader: from.reader });
      } finally {
        await opened.close();
      }
    });
  };
  return await end("source", (source) => end("destination", (destination) => use({ ...listed, source, destination })));
}
