/** Jobs of S3 Batch Operations: their states, who may make and change them, and what is refused. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from "@aws-sdk/client-iam";
import type { Credentials } from "../../src/core/model.ts";
import { child, childText, type XmlElement, type XmlNode } from "../../src/core/xml.ts";
import { ALICE, BOB, REGION } from "../lab-s3/lab.ts";
import { call, send, signed } from "../lab-s3/raw.ts";
import {
  BatchLab,
  controlError,
  failuresOf,
  generatorOf,
  JOB_ROLE,
  members,
  REPORTS,
  SOURCE,
  TARGET,
} from "./batch-lab.ts";

const DAY_MS = 24 * 3_600_000;
const CONFIRMED: ["ConfirmationRequired", boolean] = ["ConfirmationRequired", true];

function progress(job: XmlElement): string {
  const summary = child(job, "ProgressSummary") ?? job;
  return ["TotalNumberOfTasks", "NumberOfTasksSucceeded", "NumberOfTasksFailed"]
    .map((name) => childText(summary, name))
    .join(" ");
}

describe("batch jobs", () => {
  let batch: BatchLab;
  before(async () => {
    batch = await BatchLab.start();
    await batch.put("before/1");
    await batch.put("before/2");
    await batch.replicate(SOURCE, TARGET);
  });
  after(() => batch.lab.stop());

  async function update(id: string, status: string, reason = "because"): Promise<string> {
    const path = `/jobs/${id}/status?requestedJobStatus=${status}&statusUpdateReason=${reason}`;
    const answer = await batch.control("POST", path);
    return answer.status === 200 ? (childText(answer.root, "Status") ?? "") : controlError(answer);
  }

  /** The states of one job, step by step, until nothing is left to do. */
  async function statesOf(id: string): Promise<string[]> {
    const states = [await batch.status(id)];
    while (await batch.lab.lab.stepJobs()) {
      const state = await batch.status(id);
      if (states.at(-1) !== state) states.push(state);
    }
    return states;
  }

  test("a job goes from New through Preparing, Ready, Active and Completing to Complete", async () => {
    const id = await batch.create();
    assert.deepEqual(await statesOf(id), ["New", "Preparing", "Ready", "Active", "Completing", "Complete"]);
    const job = await batch.describe(id);
    assert.equal(progress(job), "2 2 0");
    assert.equal(childText(job, "JobArn"), `arn:aws:s3:${REGION}:${ALICE}:job/${id}`);
    assert.ok(childText(job, "TerminationDate"));
  });

  test("a job that wants confirmation is suspended after its manifest is made, and goes on when it is confirmed", async () => {
    const id = await batch.create({ ConfirmationRequired: CONFIRMED });
    assert.deepEqual(await statesOf(id), ["New", "Preparing", "Suspended"]);
    const job = await batch.describe(id);
    assert.equal(progress(job), "2 0 0");
    assert.equal(childText(job, "SuspendedCause"), "AWAITING_CONFIRMATION");
    assert.equal(await update(id, "Ready"), "Ready");
    assert.deepEqual(await statesOf(id), ["Ready", "Active", "Completing", "Complete"]);
    assert.equal(childText(await batch.describe(id), "StatusUpdateReason"), "because");
  });

  test("a job that nobody confirms for 30 days has failed, and is forgotten 90 days later", async () => {
    const id = await batch.create({ ConfirmationRequired: CONFIRMED });
    await batch.finish();
    try {
      batch.lab.skewMs = 29 * DAY_MS;
      assert.equal(await later(id), "Suspended");
      batch.lab.skewMs = 31 * DAY_MS;
      assert.equal(await later(id), "Failed");
      batch.lab.skewMs = 122 * DAY_MS;
      assert.equal(await later(id), "NoSuchJob 404");
    } finally {
      batch.lab.skewMs = 0;
    }
  });

  /** The status as a client with the lab's own clock sees it. */
  async function later(id: string): Promise<string> {
    const request = { method: "GET", target: `/v20180820/jobs/${id}`, headers: { "x-amz-account-id": ALICE } };
    const { body } = await send(batch.lab.port, batch.lab.alice, request, Date.now() + batch.lab.skewMs);
    const [, status] = /<Status>(\w+)</.exec(body) ?? [];
    return status ?? `${/<Code>(\w+)</.exec(body)?.[1]} 404`;
  }

  for (const steps of [0, 1, 2, 3]) {
    test(`a job is cancelled after ${steps} steps, and does nothing any more`, async () => {
      const id = await batch.create();
      for (let step = 0; step < steps; step++) await batch.lab.lab.stepJobs();
      assert.equal(await update(id, "Cancelled"), "Cancelling");
      assert.deepEqual(await statesOf(id), ["Cancelling", "Cancelled"]);
      assert.equal(progress(await batch.describe(id)).split(" ")[1], "0");
      assert.equal(await update(id, "Cancelled"), "JobStatusException 400");
    });
  }

  test("a job that is cancelled while it is active reports the tasks that were done", async () => {
    for (let index = 0; index < 150; index++) await batch.put(`many/${String(index).padStart(3, "0")}`);
    const id = await batch.create({
      ManifestGenerator: generatorOf([["KeyNameConstraint", [members("MatchAnyPrefix", "many/")]]]),
    });
    while (progress(await batch.describe(id)) !== "150 100 0") assert.ok(await batch.lab.lab.stepJobs());
    assert.equal(await update(id, "Cancelled"), "Cancelling");
    await batch.finish();
    assert.equal(await batch.status(id), "Cancelled");
    assert.equal((await batch.rowsOf(id)).length, 100);
  });

  test("only a suspended job can be confirmed, and only Ready and Cancelled can be asked for", async () => {
    const id = await batch.run();
    assert.equal(await update(id, "Ready"), "JobStatusException 400");
    assert.equal(await update(id, "Active"), "InvalidRequest 400");
    assert.equal(await update("no-such-job", "Ready"), "NoSuchJob 404");
  });

  test("the job of the highest priority goes first, and priorities can be changed until a job is over", async () => {
    const low = await batch.create({ Priority: ["Priority", 1] });
    const high = await batch.create({ Priority: ["Priority", 2] });
    assert.equal((await batch.control("POST", `/jobs/${low}/priority?priority=3`)).status, 200);
    while ((await batch.status(low)) !== "Complete") assert.ok(await batch.lab.lab.stepJobs());
    assert.equal(await batch.status(high), "New");
    await batch.finish();
    assert.equal(controlError(await batch.control("POST", `/jobs/${low}/priority?priority=4`)), "InvalidRequest 400");
    assert.equal(controlError(await batch.control("POST", `/jobs/${low}/priority?priority=x`)), "InvalidRequest 400");
    assert.equal(controlError(await batch.control("POST", `/jobs/${low}/priority`)), "InvalidRequest 400");
  });

  test("the same request with the same token makes one job; another request with it is refused", async () => {
    const body = batch.document();
    const first = await batch.control("POST", "/jobs", { body });
    const again = await batch.control("POST", "/jobs", { body });
    assert.equal(childText(again.root, "JobId"), childText(first.root, "JobId"));
    const other = await batch.control("POST", "/jobs", { body: body.replace("<Priority>10<", "<Priority>11<") });
    assert.equal(controlError(other), "IdempotencyException 400");
    await batch.finish();
  });

  test("jobs are listed newest first, by status, page by page", async () => {
    const made: string[] = [];
    for (let index = 0; index < 3; index++) {
      batch.lab.skewMs = index;
      made.push(await batch.create({ Description: ["Description", `listed ${index}`] }));
    }
    batch.lab.skewMs = 0;
    const seen: string[] = [];
    let token: string | undefined;
    do {
      const next = token === undefined ? "" : `&nextToken=${token}`;
      const { root } = await batch.control("GET", `/jobs?jobStatuses=New&jobStatuses=Ready&maxResults=2${next}`);
      seen.push(...(child(root, "Jobs")?.children ?? []).map((one) => childText(one, "JobId") ?? ""));
      token = childText(root, "NextToken");
    } while (token !== undefined);
    assert.deepEqual([...seen].sort(), [...made].sort());
    assert.equal(controlError(await batch.control("GET", "/jobs?nextToken=abc")), "InvalidNextTokenException 400");
    assert.equal(controlError(await batch.control("GET", "/jobs?jobStatuses=Sleeping")), "InvalidRequest 400");
    await batch.finish();
  });

  test("what a job was made with is described again", async () => {
    const filter: readonly (XmlNode & object)[] = [
      ["EligibleForReplication", true],
      ["CreatedAfter", "2020-01-01T00:00:00Z"],
      members("ObjectReplicationStatuses", "NONE", "FAILED"),
      ["KeyNameConstraint", [members("MatchAnySuffix", "1")]],
      ["ObjectSizeGreaterThanBytes", 1],
      members("MatchAnyStorageClass", "STANDARD"),
      ["MatchAnyObjectEncryption", [["ObjectEncryption", [["SSE-S3", ""]]]]],
    ];
    const id = await batch.create({
      ManifestGenerator: generatorOf(filter),
      Description: ["Description", "all of it"],
    });
    const job = await batch.describe(id);
    assert.equal(childText(job, "Description"), "all of it");
    assert.equal(childText(job, "RoleArn"), JOB_ROLE);
    const generator = child(child(job, "ManifestGenerator") ?? job, "S3JobManifestGenerator") ?? job;
    assert.deepEqual(
      (child(generator, "Filter")?.children ?? []).map((one) => one.name),
      filter.map(([name]) => name),
    );
    await batch.finish();
  });

  async function userWith(name: string, ...statements: object[]): Promise<Credentials> {
    await batch.iam.send(new CreateUserCommand({ UserName: name }));
    const PolicyDocument = JSON.stringify({
      Version: "2012-10-17",
      Statement: statements.map((one) => ({ Effect: "Allow", ...one })),
    });
    await batch.iam.send(new PutUserPolicyCommand({ UserName: name, PolicyName: "may", PolicyDocument }));
    const { AccessKey } = await batch.iam.send(new CreateAccessKeyCommand({ UserName: name }));
    return { accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" };
  }

  test("making a job needs s3:CreateJob on every resource and iam:PassRole for the role", async () => {
    const create = { Action: "s3:CreateJob", Resource: "*" };
    const pass = { Action: "iam:PassRole", Resource: JOB_ROLE };
    const outcome = async (by: Credentials) => {
      const answer = await batch.control("POST", "/jobs", { body: batch.document(), by });
      return answer.status === 200 ? "made" : controlError(answer);
    };
    assert.equal(await outcome(await userWith("both", create, pass)), "made");
    assert.equal(await outcome(await userWith("no-pass", create)), "AccessDenied 403");
    assert.equal(await outcome(await userWith("no-create", pass)), "AccessDenied 403");
    const narrow = { ...create, Resource: `arn:aws:s3:${REGION}:${ALICE}:job/*` };
    assert.equal(await outcome(await userWith("narrow", narrow, pass)), "AccessDenied 403");
    await batch.finish();
  });

  test("CreateJob sets no iam:PassedToService, so a statement that demands it never allows", async () => {
    const service = "batchoperations.s3.amazonaws.com";
    const Condition = { StringEquals: { "iam:PassedToService": service } };
    const by = await userWith(
      "demanding",
      { Action: "s3:CreateJob", Resource: "*" },
      { Action: "iam:PassRole", Resource: "*", Condition },
    );
    const answer = await batch.control("POST", "/jobs", { body: batch.document(), by });
    assert.equal(controlError(answer), "AccessDenied 403");
  });

  test("jobs are seen and changed by their ARNs, and by conditions on what they are", async () => {
    const id = await batch.create({ ConfirmationRequired: CONFIRMED });
    await batch.finish();
    const arn = `arn:aws:s3:${REGION}:${ALICE}:job/${id}`;
    const cause = { StringEquals: { "s3:JobSuspendedCause": "AWAITING_CONFIRMATION" } };
    const by = await userWith(
      "clerk",
      { Action: "s3:DescribeJob", Resource: arn },
      { Action: "s3:UpdateJobStatus", Resource: arn, Condition: cause },
      { Action: "s3:UpdateJobPriority", Resource: arn, Condition: { NumericLessThan: { "s3:RequestJobPriority": 5 } } },
    );
    const status = async (method: string, path: string) => (await batch.control(method, path, { by })).status;
    assert.equal(await status("GET", `/jobs/${id}`), 200);
    assert.equal(await status("GET", "/jobs"), 403);
    assert.equal(await status("GET", "/jobs/another-job"), 403);
    assert.equal(await status("POST", `/jobs/${id}/priority?priority=7`), 403);
    assert.equal(await status("POST", `/jobs/${id}/priority?priority=4`), 200);
    assert.equal(await status("POST", `/jobs/${id}/status?requestedJobStatus=Ready`), 200);
    assert.equal(await status("POST", `/jobs/${id}/status?requestedJobStatus=Cancelled`), 403);
    await batch.finish();
  });

  test("jobs of another account, or Region, are not there", async () => {
    const id = await batch.create();
    const bob = await batch.lab.lab.account(BOB);
    assert.equal(controlError(await batch.control("GET", `/jobs/${id}`, { by: bob })), "AccessDenied 403");
    const own = { by: bob, headers: { "x-amz-account-id": BOB } };
    assert.equal(controlError(await batch.control("GET", `/jobs/${id}`, own)), "NoSuchJob 404");
    await batch.finish();
  });

  test("a role of another account cannot be passed", async () => {
    const RoleArn: [string, string] = ["RoleArn", `arn:aws:iam::${BOB}:role/batch`];
    const answer = await batch.control("POST", "/jobs", { body: batch.document({ RoleArn }) });
    assert.equal(controlError(answer), "AccessDenied 403");
    assert.match(JSON.stringify(answer.root), /Cross-account pass role is not allowed/);
  });

  test("the account may stand in front of the host's name, and is told from a bucket of that name", async () => {
    const headers = { host: `${ALICE}.localhost:${batch.lab.port}` };
    const request = { method: "GET", target: "/v20180820/jobs", headers };
    const answer = await call(batch.lab.port, request, signed(batch.lab.port, batch.lab.alice, request));
    assert.match(answer.body, /<ListJobsResult/);
    const other = { ...request, headers: { host: `${BOB}.localhost`, "x-amz-account-id": ALICE } };
    const refused = await call(batch.lab.port, other, signed(batch.lab.port, batch.lab.alice, other));
    assert.match(refused.body, /<ErrorResponse.*<Code>AccessDenied/s);
    const bucket = await send(batch.lab.port, batch.lab.alice, { method: "GET", target: "/v20180820/jobs" });
    assert.match(bucket.body, /<Code>NoSuchBucket/);
  });

  test("what is not emulated says so and names itself", async () => {
    const lambda = batch.document({ Operation: ["Operation", [["LambdaInvoke", ""]]] });
    const answer = await batch.control("POST", "/jobs", { body: lambda });
    assert.equal(controlError(answer), "NotImplemented 501");
    assert.match(JSON.stringify(answer.root), /LambdaInvoke/);
    const block = await batch.control("GET", "/configuration/publicAccessBlock");
    assert.equal(controlError(block), "NotImplemented 501");
    const inventory = (await batch.manifest("")) ?? ["Manifest", ""];
    const body = batch
      .document({ Manifest: inventory })
      .replace("S3BatchOperations_CSV_20180820", "S3InventoryReport_CSV_20161130");
    assert.equal(controlError(await batch.control("POST", "/jobs", { body })), "NotImplemented 501");
  });

  const wrong: readonly [string, (document: string) => string][] = [
    ["is no XML", () => "job, please"],
    ["has another root", (body) => body.replaceAll("CreateJobRequest", "DeleteJobRequest")],
    ["has no operation", (body) => body.replace(/<Operation>.*<\/Operation>/s, "")],
    ["has no manifest", (body) => body.replace(/<ManifestGenerator>.*<\/ManifestGenerator>/s, "")],
    ["has no report", (body) => body.replace(/<Report>.*<\/Report>/s, "")],
    ["has a report without a bucket", (body) => body.replace(/<Bucket>[^<]*<\/Bucket>/, "")],
    ["has no token", (body) => body.replace(/<ClientRequestToken>[^<]*</, "<ClientRequestToken><")],
    ["has a priority that is too high", (body) => body.replace("<Priority>10<", "<Priority>2147483648<")],
    ["has a role that is none", (body) => body.replace(JOB_ROLE, "batch")],
    ["has an unknown flag", (body) => body.replace("<EnableManifestOutput>false", "<EnableManifestOutput>maybe")],
    [
      "wants a manifest put out nowhere",
      (body) => body.replace("<EnableManifestOutput>false", "<EnableManifestOutput>true"),
    ],
    [
      "has an unknown status",
      (body) =>
        body.replace(
          "<Filter></Filter>",
          "<Filter><ObjectReplicationStatuses><member>PENDING</member></ObjectReplicationStatuses></Filter>",
        ),
    ],
    [
      "has two prefixes",
      (body) =>
        body.replace(
          "<Filter></Filter>",
          "<Filter><KeyNameConstraint><MatchAnyPrefix><member>a</member><member>b</member></MatchAnyPrefix></KeyNameConstraint></Filter>",
        ),
    ],
    [
      "has a date that is none",
      (body) => body.replace("<Filter></Filter>", "<Filter><CreatedAfter>soon</CreatedAfter></Filter>"),
    ],
  ];
  for (const [what, change] of wrong) {
    test(`a request that ${what} is refused`, async () => {
      const document = batch.document();
      const body = change(document);
      assert.notEqual(body, document);
      assert.match(controlError(await batch.control("POST", "/jobs", { body })), /^(InvalidRequest|MalformedXML) 400$/);
    });
  }

  test("a job whose role is not trusted by Batch Operations has failed before it began", async () => {
    await batch.role("distrustful", "ec2.amazonaws.com");
    const id = await batch.run({ RoleArn: ["RoleArn", `arn:aws:iam::${ALICE}:role/distrustful`] });
    assert.equal(await batch.status(id), "Failed");
    assert.match(
      failuresOf(await batch.describe(id)).join(),
      /cannot be assumed by batchoperations\.s3\.amazonaws\.com/,
    );
  });

  test("a report that cannot be written fails the job", async () => {
    await batch.allow("batch", [
      "s3:InitiateReplication",
      "s3:GetReplicationConfiguration",
      "s3:PutInventoryConfiguration",
    ]);
    const id = await batch.run();
    await batch.allow("batch", ["s3:*"]);
    assert.equal(await batch.status(id), "Failed");
    assert.deepEqual(failuresOf(await batch.describe(id)), [
      "The job report could not be written to your report bucket.",
    ]);
  });

  test("a job without a report writes nothing", async () => {
    const before = await batch.keysIn(REPORTS);
    const id = await batch.run({ Report: ["Report", [["Enabled", false]]] });
    assert.equal(await batch.status(id), "Complete");
    assert.deepEqual(await batch.keysIn(REPORTS), before);
  });
});

describe("batch jobs on disk", () => {
  let batch: BatchLab;
  before(async () => {
    batch = await BatchLab.start({ onDisk: true });
    for (let index = 0; index < 250; index++) await batch.put(`k/${String(index).padStart(3, "0")}`);
    await batch.replicate(SOURCE, TARGET);
  });
  after(() => batch.lab.stop());

  test("a job goes on after a restart where it was, whatever it was doing", async () => {
    const id = await batch.create();
    for (let steps = 0; steps < 7; steps++) {
      await batch.lab.lab.stepJobs();
      await batch.lab.restart();
    }
    await batch.finish();
    const again = BatchLab.over(batch.lab);
    assert.equal(progress(await again.describe(id)), "250 250 0");
    const rows = await again.rowsOf(id);
    assert.equal(new Set(rows.map((row) => row.key)).size, 250);
    const changes = await batch.lab.lab.openChanges().take(1000);
    assert.equal(changes.length, 250, "every version was initiated once");
    assert.ok(changes.every(({ event }) => event.isInitiated === true));
  });
});
