/** Two buckets that one set of credentials sees, as ends of an audit: on AWS, in the lab, in any store with both. */
import { bucketOfArn } from "../../core/arn.ts";
import { documentOfXml } from "../../core/config/document.ts";
import { parseReplication } from "../../core/config/parse.ts";
import type { ReplicationConfiguration } from "../../core/model.ts";
import { explainer, extraExplainer } from "../../doctor/audit/explain.ts";
import { listingEnd } from "../../doctor/audit/listing-end.ts";
import type { AuditEnds } from "../../doctor/audit/ports.ts";
import { FailureLog } from "../../doctor/evidence/failure-log.ts";
import type { Surroundings } from "../../doctor/ports.ts";
import { prefixOfWalk } from "../../engine/missing.ts";
import { UsageError } from "../errors.ts";

export interface BucketEndsRequest {
  readonly source: string;
  /** Undefined: where the source's rules lead, if that is one bucket. */
  readonly destination?: string;
  readonly prefix?: string;
}

/** @throws UsageError when nobody says where to, S3Error when a bucket cannot be reached */
export async function bucketEnds(surroundings: Surroundings, request: BucketEndsRequest): Promise<AuditEnds> {
  const { source } = request;
  const { store, settings } = await surroundings.bucket(source);
  const root = await settings.getBucketReplication(source);
  const configuration = root === undefined ? undefined : parseReplication(documentOfXml(root)).configuration;
  const destination = request.destination ?? onlyDestination(source, configuration);
  const there = await surroundings.bucket(destination);
  const rule = configuration?.rules.find(
    (one) => one.enabled && bucketOfArn(one.destination.bucketArn) === destination,
  );
  const destinationArn = rule?.destination.bucketArn;
  const given = request.prefix ?? "";
  const prefix =
    configuration === undefined || destinationArn === undefined
      ? given
      : (prefixOfWalk({ configuration, destinationArn, prefix: given }) ?? given);
  const ends = {
    source: listingEnd(store, { name: `s3://${source}`, bucket: source, prefix }),
    destination: listingEnd(there.store, { name: `s3://${destination}`, bucket: destination, prefix }),
    prefix,
  };
  // Where no rule leads there, nothing replicates: ids say nothing, and nobody can say why something is missing.
  if (rule === undefined) return { ...ends, byPlace: true };
  const log = new FailureLog();
  for await (const page of surroundings.records?.failures(source, prefix === "" ? undefined : prefix) ?? [])
    for (const one of page) log.add(one);
  return {
    ...ends,
    byPlace: false,
    explain: explainer(surroundings, { bucket: source, destination, log }),
    explainExtra: extraExplainer(surroundings, destination),
  };
}

function onlyDestination(source: string, configuration: ReplicationConfiguration | undefined): string {
  const all = [...new Set((configuration?.rules ?? []).flatMap((one) => bucketOfArn(one.destination.bucketArn) ?? []))];
  const [first, second] = all;
  if (first === undefined) throw new UsageError(`s3://${source} replicates nowhere: name the other bucket, s3://DST`);
  if (second === undefined) return first;
  throw new UsageError(`s3://${source} replicates to ${all.join(", ")}: name one of them as s3://DST`);
}
