/**
 * Batch Replication with the real engine: a served lab, S3 Control by signed requests, and the engine that replicates what
 * a job has only initiated.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { IAM } from "@aws-sdk/client-iam";
import { type S3, S3ServiceException } from "@aws-sdk/client-s3";
import type { Credentials } from "../../src/core/model.ts";
import { childText, printXml } from "../../src/core/xml.ts";
import { parseXml } from "../../src/s3/xml.ts";
import { generatorOf, members } from "../lab-batch/batch-lab.ts";
import { send } from "../lab-s3/raw.ts";
import { type Environment, type Served, serve, temporaryDirectory } from "./binary.ts";
import { allowRole, makeRole } from "./roles.ts";
import { s3Of } from "./sdk.ts";

const WAIT_MS_MAX = 30_000;
const WAIT_STEP_MS = 20;
const KEYS = Array.from({ length: 25 }, (_, index) => `k/${String(index).padStart(2, "0")}`);

describe("batch replication and the engine", () => {
  const directory = temporaryDirectory();
  let served: Served;
  let environment: Environment;
  let s3: S3;
  let iam: IAM;
  let account = "";
  let tokens = 0;

  before(async () => {
    served = await serve(`${directory.path}/data`, directory.path);
    environment = await served.environment();
    s3 = s3Of(environment);
    iam = new IAM({ endpoint: served.endpoint, region: "us-east-1", credentials: credentials() });
    for (const Bucket of ["a", "b", "c"].map((name) => `chain-${name}`)) {
      await s3.createBucket({ Bucket });
      await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Enabled" } });
    }
    account = await makeRole(iam, {
      name: "mover",
      service: "s3.amazonaws.com",
      actions: ["s3:Get*", "s3:ListBucket"],
    });
    await makeRole(iam, { name: "batch", service: "batchoperations.s3.amazonaws.com", actions: ["s3:*"] });
  });
  after(async () => {
    s3.destroy();
    iam.destroy();
    await served.stop();
    directory.remove();
  });

  function credentials(): Credentials {
    return {
      accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
    };
  }

  async function replicate(from: string, into: string, id: string): Promise<void> {
    await s3.putBucketReplication({
      Bucket: from,
      ReplicationConfiguration: {
        Role: `arn:aws:iam::${account}:role/mover`,
        Rules: [
          {
            ID: id,
            Priority: 1,
            Status: "Enabled",
            Filter: { Prefix: "" },
            DeleteMarkerReplication: { Status: "Disabled" },
            Destination: { Bucket: `arn:aws:s3:::${into}` },
          },
        ],
      },
    });
  }

  /** Asks until it is so. */
  async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    for (let waitedMs = 0; !(await isSo()); waitedMs += WAIT_STEP_MS) {
      assert.ok(waitedMs < WAIT_MS_MAX, `it never came to be that ${what}`);
      await sleep(WAIT_STEP_MS);
    }
  }

  async function statuses(Bucket: string): Promise<Set<string | undefined>> {
    const shown = KEYS.map(async (Key) => {
      try {
        return (await s3.headObject({ Bucket, Key })).ReplicationStatus;
      } catch (error) {
        // It has not arrived yet.
        if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return "absent";
        throw error;
      }
    });
    return new Set(await Promise.all(shown));
  }

  async function untilAll(bucket: string, status: string): Promise<void> {
    await until(`all of ${bucket} is ${status}`, async () => [...(await statuses(bucket))].join() === status);
  }

  async function control(method: string, path: string, body?: string): Promise<string> {
    const answer = await send(Number(new URL(served.endpoint).port), credentials(), {
      method,
      target: `/v20180820${path}`,
      headers: { "x-amz-account-id": account },
      ...(body === undefined ? {} : { body: Buffer.from(body) }),
    });
    assert.equal(answer.status, 200, answer.body);
    return answer.body;
  }

  /** Makes a job of the versions with a status, and waits for its end. */
  async function job(bucket: string, status: string): Promise<string> {
    tokens += 1;
    const filter = [["EligibleForReplication", true], members("ObjectReplicationStatuses", status)] as const;
    const document = printXml(
      [
        "CreateJobRequest",
        [
          ["Operation", [["S3ReplicateObject", ""]]],
          ["Report", [["Enabled", false]]],
          ["ClientRequestToken", `token-${tokens}`],
          generatorOf(filter, [], bucket),
          ["Priority", 1],
          ["RoleArn", `arn:aws:iam::${account}:role/batch`],
        ],
      ],
      "http://awss3control.amazonaws.com/doc/2018-08-20/",
    );
    const id = childText(parseXml(await control("POST", "/jobs", document)), "JobId") ?? "";
    let described = "";
    await until("the job is over", async () => {
      described = await control("GET", `/jobs/${id}`);
      return /<Status>(?:Complete|Failed)</.test(described);
    });
    const [, succeeded] = /<NumberOfTasksSucceeded>(\d+)</.exec(described) ?? [];
    return /<Status>(\w+)</.exec(described)?.[1] === "Complete" ? `${succeeded} succeeded` : described;
  }

  it("takes FAILED versions to COMPLETED once the policy is repaired, and not before", async () => {
    await replicate("chain-a", "chain-b", "first");
    for (const Key of KEYS) await s3.putObject({ Bucket: "chain-a", Key, Body: Key, Tagging: "kind=test" });
    await untilAll("chain-a", "FAILED");
    assert.equal(await job("chain-a", "FAILED"), "25 succeeded", "to be initiated is all that a task is about");
    await untilAll("chain-a", "FAILED");
    await allowRole(iam, "mover", ["s3:*"]);
    assert.equal(await job("chain-a", "FAILED"), "25 succeeded");
    await untilAll("chain-a", "COMPLETED");
    assert.deepEqual(await statuses("chain-b"), new Set(["REPLICA"]));
  });

  it("takes replicas on to a third bucket, which no live replication does", async () => {
    await replicate("chain-b", "chain-c", "second");
    assert.equal(await job("chain-b", "REPLICA"), "25 succeeded");
    await untilAll("chain-c", "REPLICA");
    await untilAll("chain-b", "REPLICA");
    const [first = ""] = KEYS;
    const versions = await Promise.all(
      ["chain-a", "chain-b", "chain-c"].map((Bucket) => s3.getObject({ Bucket, Key: first })),
    );
    assert.equal(new Set(versions.map((one) => one.VersionId)).size, 1);
    assert.equal(await versions[2]?.Body?.transformToString(), first);
    assert.equal(versions[2]?.TagCount, 1);
  });

  it("tries FAILED versions again when another rule writes to the destination now", async () => {
    await allowRole(iam, "mover", ["s3:Get*", "s3:ListBucket"]);
    const versionIds: (string | undefined)[] = [];
    for (const Key of KEYS) {
      const { VersionId } = await s3.putObject({ Bucket: "chain-a", Key, Body: `${Key} anew` });
      versionIds.push(VersionId);
    }
    await untilAll("chain-a", "FAILED");
    await allowRole(iam, "mover", ["s3:*"]);
    await replicate("chain-a", "chain-b", "renamed");
    assert.equal(await job("chain-a", "FAILED"), "25 succeeded");
    await untilAll("chain-a", "COMPLETED");
    const heads = await Promise.all(KEYS.map((Key) => s3.headObject({ Bucket: "chain-b", Key })));
    assert.deepEqual(
      heads.map((one) => one.VersionId),
      versionIds,
    );
  });
});
