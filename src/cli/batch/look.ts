/** Looks at every version of a bucket, or of a prefix, by HEAD. */
import type { Facts } from "../../core/diagnose/facts.ts";
import { collectFacts } from "../../doctor/collect.ts";
import { plural } from "../../doctor/report.ts";
import type { Connection } from "../connection.ts";
import type { Context } from "../context.ts";
import type { BatchRequest } from "./request.ts";

export async function lookAtVersions(
  connection: Connection,
  { bucket, prefix }: Pick<BatchRequest, "bucket" | "prefix">,
  { stderr }: Context,
): Promise<Facts> {
  const isLive = stderr.isTTY === true;
  const facts = await collectFacts(connection, { bucket, ...(prefix === undefined ? {} : { prefix }) }, (versions) => {
    if (isLive) stderr.write(`\r\u001b[Klooking at s3://${bucket}: ${plural(versions, "version")}`);
  });
  if (isLive) stderr.write("\r\u001b[K");
  return facts;
}
