/** What status, diagnose, fix and resync begin with: facts, with progress on standard error, and the causes in them. */
import { diagnose, type Explained } from "../core/diagnose/diagnose.ts";
import type { Facts } from "../core/diagnose/facts.ts";
import { collectFacts } from "../doctor/collect.ts";
import type { Scope } from "../doctor/collect-versions.ts";
import type { Surroundings } from "../doctor/ports.ts";
import { plural } from "../doctor/report.ts";
import type { Context } from "./context.ts";

export interface Scan extends Explained {
  readonly facts: Facts;
}

export async function scan(surroundings: Surroundings, scope: Scope, context: Context): Promise<Scan> {
  const live = context.stderr.isTTY === true;
  const facts = await collectFacts(surroundings, scope, (versions) => {
    if (live) context.stderr.write(`\r\u001b[Klooking at s3://${scope.bucket}: ${plural(versions, "version")}`);
  });
  if (live) context.stderr.write("\r\u001b[K");
  return { facts, ...diagnose(facts) };
}
