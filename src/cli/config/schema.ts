/** The JSON Schema of `lockstep.yaml`, by which editors complete and check it. */
import { z } from "zod";
import { DOCUMENT } from "./document.ts";

/** Text of `schema/lockstep.schema.json`. */
export function printSchema(): string {
  const { $schema, ...rest } = z.toJSONSchema(DOCUMENT, { io: "input" });
  const titled = { $schema, title: "lockstep.yaml", description: "What `lockstep run` replicates, and how", ...rest };
  return `${JSON.stringify(titled, null, 2)}\n`;
}
