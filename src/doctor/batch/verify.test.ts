import assert from "node:assert/strict";
import { test } from "node:test";
import { AwsError } from "../../aws/errors.ts";
import type { JobDescription } from "../../aws/s3-control.ts";
import { S3Error } from "../../s3/errors.ts";
import type { ObjectHead, ReadRequest } from "../../s3/store.ts";
import { followJob } from "./follow.ts";
import { verify } from "./verify.ts";

const HEAD: ObjectHead = {
  etag: "e",
  sizeBytes: 1,
  lastModifiedMs: 0,
  storageClass: "STANDARD",
  encryption: { kind: "SSE-S3" },
  contentHeaders: {},
  userMetadata: {},
};

/** Answers each key's next word; a number is an HTTP status. */
function storeOf(words: Record<string, (string | number)[]>) {
  return {
    headObject: async ({ key }: ReadRequest): Promise<ObjectHead> => {
      const held = words[key] ?? [];
      const word = held.length > 1 ? held.shift() : held[0];
      if (typeof word === "number") throw new S3Error("no", { status: word, operation: "HeadObject" });
      return word === undefined ? HEAD : { ...HEAD, replicationStatus: word };
    },
  };
}

const refs = (...keys: string[]) => keys.map((key) => ({ bucket: "b", key, versionId: "v" }));

test("versions that are PENDING are looked at again until they are not, and the others once", async () => {
  const waits: number[] = [];
  const words = {
    slow: ["PENDING", "PENDING", "COMPLETED"],
    bad: ["FAILED"],
    copy: ["REPLICA"],
    marker: [405],
    gone: [404],
    new: [],
  };
  const found = await verify(storeOf(words), refs(...Object.keys(words)), {
    sleep: async (ms) => void waits.push(ms),
    isOver: () => false,
  });
  assert.deepEqual(found, { looked: 6, completed: 2, failed: 1, pending: 0, none: 1, markers: 1, gone: 1 });
  assert.deepEqual(waits, [200, 400]);
});

test("who has waited long enough is told how many are PENDING still", async () => {
  const found = await verify(storeOf({ slow: ["PENDING"] }), refs("slow"), {
    sleep: () => assert.fail("nobody waits any more"),
    isOver: () => true,
  });
  assert.deepEqual([found.looked, found.pending], [1, 1]);
});

test("a version that may not be looked at is an error, not an arrival", async () => {
  const patience = { sleep: async () => undefined, isOver: () => false };
  await assert.rejects(verify(storeOf({ secret: [403] }), refs("secret"), patience), { name: "S3Error" });
});

test("a job is followed past throttling to its end, and a suspended one is handed back", async () => {
  const job = (status: string): JobDescription => ({
    id: "j",
    status,
    succeeded: 0,
    failed: 0,
    failures: [],
    roleArn: "r",
  });
  const slow = new AwsError("slow down", {
    service: "s3control",
    operation: "DescribeJob",
    code: "TooManyRequestsException",
  });
  const follow = async (...answers: (JobDescription | AwsError)[]) => {
    const control = {
      describeJob: async () => {
        const answer = answers.shift();
        if (answer instanceof AwsError) throw answer;
        return answer;
      },
    };
    const seen: string[] = [];
    const end = await followJob(control, { accountId: "1", region: "r" }, "j", {
      sleep: async () => undefined,
      isOver: () => false,
      onProgress: ({ status }) => void seen.push(status),
    });
    return [end?.status, ...seen];
  };
  assert.deepEqual(await follow(job("New"), slow, job("Active"), job("Complete")), [
    "Complete",
    "New",
    "Active",
    "Complete",
  ]);
  assert.deepEqual(await follow(job("Preparing"), job("Suspended")), ["Suspended", "Preparing", "Suspended"]);
  assert.deepEqual(await follow(), [undefined]);
});
