/** Batch Replication jobs in a world: made through S3 Control, worked off at once, and their reports read. */
import assert from "node:assert/strict";
import { childText, printXml, type XmlNode } from "../../src/core/xml.ts";
import { hashPayload, signHeaders } from "../../src/s3/sigv4.ts";
import { parseXml } from "../../src/s3/xml.ts";
import { manifestOf, REPORTS, reportOf } from "../lab-batch/batch-lab.ts";
import { allow, type Policy, policy } from "./policies.ts";
import type { Standard } from "./standard.ts";
import { ACCOUNT, SOURCE_REGION } from "./world.ts";

const ROLE = "loop-batch";
const NAMESPACE = "http://awss3control.amazonaws.com/doc/2018-08-20/";
const STEPS_MAX = 10_000;

/** What a job's role needs of the source. @source aws-replication.md §5.1 */
export const INITIATE: Policy = policy(allow(["s3:InitiateReplication"], "arn:aws:s3:::loop-source/*"));

export interface JobOptions {
  /** `BUCKET,KEY,VERSION` */
  readonly lines: readonly string[];
  /** Where the job is made. */
  readonly region?: string;
  /** Happens after the job was prepared and before it is confirmed. */
  readonly meanwhile?: () => Promise<void>;
}

/** Makes the job's role and the bucket of its reports. @param rights besides the manifest and the report */
export async function prepareBatch(set: Standard, rights: Policy = INITIATE): Promise<void> {
  const trust = policy({
    Effect: "Allow",
    Principal: { Service: "batchoperations.s3.amazonaws.com" },
    Action: "sts:AssumeRole",
  });
  await set.iam.createRole({ RoleName: ROLE, AssumeRolePolicyDocument: JSON.stringify(trust) });
  await set.source.s3.createBucket({ Bucket: REPORTS });
  await letInitiate(set, rights);
}

export async function letInitiate({ iam }: Standard, rights: Policy): Promise<void> {
  const reports = allow(["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], `arn:aws:s3:::${REPORTS}/*`);
  const PolicyDocument = JSON.stringify({ ...rights, Statement: [...rights.Statement, reports] });
  await iam.putRolePolicy({ RoleName: ROLE, PolicyName: "initiate", PolicyDocument });
}

/** Works a job off; returns the outcomes of its tasks, such as `failed,500,SrcKeyNotFound,…`. */
export async function runJob(set: Standard, options: JobOptions): Promise<readonly string[]> {
  const { s3 } = set.source;
  const Body = `${options.lines.join("\n")}\n`;
  const { ETag = "" } = await s3.putObject({ Bucket: REPORTS, Key: "manifests/one.csv", Body });
  const region = options.region ?? SOURCE_REGION;
  const elements: XmlNode[] = [
    ["ConfirmationRequired", true],
    ["Operation", [["S3ReplicateObject", ""]]],
    reportOf("AllTasks"),
    ["ClientRequestToken", `token-${Date.now()}-${options.lines.length}`],
    manifestOf(["Bucket", "Key", "VersionId"], ETag),
    ["Priority", 10],
    ["RoleArn", `arn:aws:iam::${ACCOUNT}:role/${ROLE}`],
  ];
  const made = await control(set, region, "/jobs", printXml(["CreateJobRequest", elements], NAMESPACE));
  const id = childText(parseXml(made), "JobId") ?? "";
  await work(set);
  await options.meanwhile?.();
  await control(set, region, `/jobs/${id}/status?requestedJobStatus=Ready`);
  await work(set);
  await set.world.settle();
  const read = async (Key: string) =>
    (await (await s3.getObject({ Bucket: REPORTS, Key })).Body?.transformToString()) ?? "";
  const manifest = JSON.parse(await read(`reports/job-${id}/manifest.json`)) as {
    readonly Results: readonly { readonly Key: string }[];
  };
  const rows = (await Promise.all(manifest.Results.map(({ Key }) => read(Key)))).join("").trimEnd().split("\n");
  return rows.map((row) => row.split(",").slice(3).join());
}

async function work({ world }: Standard): Promise<void> {
  for (let steps = 0; await world.lab.stepJobs(); steps++) assert.ok(steps < STEPS_MAX, "jobs go on for ever");
}

async function control({ world }: Standard, region: string, target: string, body = ""): Promise<string> {
  const url = new URL(`/v20180820${target}`, world.endpoint);
  const headers = { host: url.host, "x-amz-account-id": ACCOUNT };
  const credentials = await world.credentials(ACCOUNT);
  const signed = signHeaders(
    { method: "POST", rawPath: url.pathname, rawQuery: url.search.slice(1), headers },
    hashPayload(Buffer.from(body)),
    { credentials, region, service: "s3", nowMs: world.clock.nowMs() },
  );
  const answer = await fetch(url, { method: "POST", headers: { "x-amz-account-id": ACCOUNT, ...signed }, body });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return text;
}
