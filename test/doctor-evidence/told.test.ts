/** What others tell of failures (events in files and queues, completion reports), and walks that were interrupted. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { openConnection } from "../../src/cli/connection.ts";
import type { Cause, Diagnosis } from "../../src/core/diagnose/report.ts";
import { FailureLog } from "../../src/doctor/evidence/failure-log.ts";
import { type Walked, walk } from "../../src/doctor/evidence/walk.ts";
import { cleanEnvironment, type Environment, lockstep, type Served, serve, temporaryDirectory } from "../e2e/binary.ts";
import { diagnosisOf } from "./diagnosed.ts";

const REPLICA = "arn:aws:s3:::photos-replica";

describe("diagnose with what others tell", () => {
  const home = temporaryDirectory();
  let served: Served;
  /** Without the engine's own records. */
  let environment: Environment;
  let credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  let walked: Diagnosis;
  before(async () => {
    served = await serve(join(home.path, "data"), home.path, ["--example"]);
    const { LOCKSTEP_CONSOLE_URL: _url, LOCKSTEP_CONSOLE_TOKEN: _token, ...others } = await served.environment();
    environment = others;
    credentials = {
      accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
    };
    walked = await diagnosed();
  });
  after(async () => {
    await served.stop();
    home.remove();
  });

  const diagnosed = (...words: string[]) => diagnosisOf("photos", environment, words);

  /** A version that FAILED, and the destination at which it did. */
  function failed() {
    const cause = walked.causes.find((one) => one.code.startsWith("Dst") && one.destination !== undefined);
    const [sample] = cause?.affected.samples ?? [];
    assert.ok(sample !== undefined);
    return { ...sample, destination: cause?.destination ?? REPLICA, rule: cause?.rule ?? "" };
  }

  function event(failureReason: string, bucket = "photos") {
    const { key, versionId, destination, rule } = failed();
    return {
      eventName: "Replication:OperationFailedReplication",
      eventTime: "2026-01-02T03:04:05.000Z",
      s3: { bucket: { name: bucket }, object: { key: encodeURIComponent(key), versionId } },
      replicationEventData: { replicationRuleId: rule, destinationBucket: destination, failureReason },
    };
  }

  const told = ({ causes }: Diagnosis, code: string) => causes.find((one) => one.code === code);

  it("gives AWS's own reason for a version from a file of events", async () => {
    const path = join(home.path, "events.jsonl");
    const lines = [event("DstObjectHardDeleted"), event("DstObjectHardDeleted", "others"), { Event: "s3:TestEvent" }];
    writeFileSync(path, lines.map((one) => JSON.stringify(one)).join("\n"));
    const found = await diagnosed("--events", path);
    const cause = told(found, "DstObjectHardDeleted");
    assert.equal(cause?.affected.versions, 1);
    assert.equal(cause?.confidence, "proven");
    assert.ok(cause?.evidence.some((one) => one.kind === "event" && one.says.includes("DstObjectHardDeleted")));
    const [source] = found.sources ?? [];
    assert.equal(source?.says, "1 failure event, 2 of other kinds or buckets");
    writeFileSync(path, JSON.stringify({ Records: [event("DstObjectHardDeleted")] }, null, 2));
    assert.equal(told(await diagnosed("--events", path), "DstObjectHardDeleted")?.affected.versions, 1);
  });

  it("plans and selects by what is told, too", async () => {
    const path = join(home.path, "planned.jsonl");
    writeFileSync(path, JSON.stringify(event("DstObjectHardDeleted")));
    const fixed = await lockstep(["fix", "s3://photos", "--events", path, "--json"], environment);
    const { causes } = JSON.parse(fixed.stdout) as { readonly causes: readonly Cause[] };
    assert.ok(causes.some((one) => one.code === "DstObjectHardDeleted"));
    const role = ["--make-job-role", "mover", "--job-output", "s3://photos-replica/jobs", "--dry-run", "--json"];
    const asked = ["resync", "s3://photos", "--code", "DstObjectHardDeleted", "--events", path, ...role];
    const { stdout, stderr } = await lockstep(asked, environment);
    assert.notEqual(stdout, "", stderr);
    const { selected } = JSON.parse(stdout) as { readonly selected: { readonly versions: number } };
    assert.equal(selected.versions, 1);
  });

  it("counts a bucket by a snapshot without asking anybody, and takes no evidence beside it", async () => {
    const path = join(home.path, "facts.json");
    const { stdout } = await lockstep(["snapshot", "s3://photos"], environment);
    writeFileSync(path, stdout);
    const elsewhere = cleanEnvironment(home.path);
    const told = await lockstep(["status", "--snapshot", path, "--json"], elsewhere);
    assert.equal(told.status, 1, told.stderr);
    const { bucket, scanned } = JSON.parse(told.stdout) as { readonly bucket: string; readonly scanned: object };
    assert.deepEqual([bucket, scanned], ["photos", walked.scanned]);
    for (const command of ["diagnose", "fix", "status"]) {
      const refused = await lockstep([command, "--snapshot", path, "--events", "x.json"], elsewhere);
      assert.equal(refused.status, 2);
      assert.match(refused.stderr, /--snapshot asks nobody/);
    }
  });

  it("reads a queue, and empties it where it is to be drained", async () => {
    const sqs = new SQSClient({ endpoint: served.endpoint, region: "us-east-1", credentials });
    try {
      const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: "failures" }));
      const MessageBody = JSON.stringify({ Records: [event("DstObjectHardDeleted")] });
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
      const waiting = async () => {
        const asked = { QueueUrl, VisibilityTimeout: 0 };
        return (await sqs.send(new ReceiveMessageCommand(asked))).Messages?.length ?? 0;
      };
      assert.equal(await waiting(), 1);
      const found = await diagnosed("--events", `sqs://${QueueUrl}`, "--drain");
      assert.equal(told(found, "DstObjectHardDeleted")?.affected.versions, 1);
      assert.equal(await waiting(), 0);
    } finally {
      sqs.destroy();
    }
  });

  it("gives the reason of a completion report, whose checksums have to fit", async () => {
    const { key, versionId } = failed();
    const rows = `photos,${encodeURIComponent(key)},${versionId},failed,403,DstObjectHardDeleted,It was deleted\n`;
    writeFileSync(join(home.path, "rows.csv"), rows);
    const md5 = (text: string) => createHash("md5").update(text).digest("hex");
    const manifest = (MD5Checksum: string) => ({
      Format: "Report_CSV_20180820",
      ReportCreationDate: "2026-01-02T00:00:00Z",
      Results: [{ TaskExecutionStatus: "failed", Bucket: "b", MD5Checksum, Key: "job-1/results/rows.csv" }],
    });
    const path = join(home.path, "manifest.json");
    writeFileSync(path, JSON.stringify(manifest(md5(rows))));
    const cause = told(await diagnosed("--report", path), "DstObjectHardDeleted");
    assert.equal(cause?.affected.versions, 1);
    assert.ok(cause?.evidence.some((one) => one.kind === "event" && one.says.includes("It was deleted")));
    writeFileSync(path, JSON.stringify(manifest(md5("other"))));
    const refused = await lockstep(["diagnose", "s3://photos", "--report", path], environment);
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /does not fit its MD5/);
  });

  it("finds with a kept walk what it finds without, and keeps nothing when it is done", async () => {
    const path = join(home.path, "walk.json");
    const found = await diagnosed("--resume", path);
    assert.deepEqual(unsampled(found.causes), unsampled(walked.causes));
    assert.deepEqual(found.scanned, walked.scanned);
    assert.equal(existsSync(path), false);
  });

  it("goes on where a walk was interrupted, and comes to the same", async () => {
    const path = join(home.path, "interrupted.json");
    const access = { endpoint: served.endpoint, region: "us-east-1", credentials: () => Promise.resolve(credentials) };
    const connection = await openConnection(access, () => Date.parse(walked.takenAt), undefined);
    const scope = { bucket: "photos" };
    const options = { log: new FailureLog(), path, onSeen: () => {}, pageSize: 20 };
    try {
      let found: Walked | undefined;
      const interruptions: string[] = [];
      for (let turn = 0; turn < 100 && found === undefined; turn += 1) {
        // Aborted from the beginning, a walk ends after its next window.
        const signal = AbortSignal.abort();
        await walk(connection, scope, { ...options, signal }).then(
          (one) => {
            found = one;
          },
          (error: Error) => interruptions.push(error.message),
        );
      }
      assert.ok(interruptions.length >= 3);
      assert.match(interruptions[0] ?? "", /was interrupted after 100 versions/);
      assert.ok(found !== undefined);
      const { diagnosis } = found.examination.explained();
      const causesOf = (one: Diagnosis) => ({ ...one, takenAt: "", causes: unsampled(one.causes) });
      assert.deepEqual(causesOf(diagnosis), causesOf(walked));
    } finally {
      await connection.close();
    }
  });

  it("refuses the progress of another walk", async () => {
    const path = join(home.path, "other.json");
    writeFileSync(path, "{}");
    const refused = await lockstep(["diagnose", "s3://photos", "--resume", path], environment);
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /no progress of a walk/);
    assert.equal(readFileSync(path, "utf8"), "{}");
  });
});

/** Which versions stand as samples depends on when delete markers could be judged. */
function unsampled(causes: readonly Cause[]): readonly unknown[] {
  return causes.map(({ affected: { versions, bytes }, ...one }) => ({ ...one, affected: { versions, bytes } }));
}
