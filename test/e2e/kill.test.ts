/** kill -9 of `lockstep up` in the middle of writes: nothing acknowledged is lost, and replication converges. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { IAM } from "@aws-sdk/client-iam";
import type { S3 } from "@aws-sdk/client-s3";
import { type Environment, type Served, serve, temporaryDirectory } from "./binary.ts";
import { readBucket, s3Of } from "./sdk.ts";

const ROUNDS = 4;
const WRITERS = 6;
const SIZES = [0, 100, 5000, 150_000];
const CONVERGE_MS_MAX = 60_000;

/** What the server has said yes to. */
interface Acknowledged {
  readonly key: string;
  readonly versionId: string;
  /** Undefined for delete markers. */
  readonly sha256?: string;
}

test("kill -9 in the middle of writes loses nothing that was acknowledged, and replication converges", async () => {
  const directory = temporaryDirectory();
  const dataDir = `${directory.path}/data`;
  const acknowledged: Acknowledged[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const served = await serve(dataDir, directory.path);
      const environment = await served.environment();
      const s3 = s3Of(environment);
      if (round === 0) await prepare(s3, environment);
      const writing = Promise.allSettled(
        Array.from({ length: WRITERS }, (_, writer) => write(s3, `${round}/${writer}`, acknowledged)),
      );
      // At some moment or other: what is being written then, and what is being replicated, is cut short.
      await sleep(300 + Math.random() * 900);
      await served.kill();
      await writing;
      s3.destroy();
    }
    await converged(await serve(dataDir, directory.path), acknowledged);
  } finally {
    directory.remove();
  }
});

async function prepare(s3: S3, environment: Environment): Promise<void> {
  const iam = new IAM({
    endpoint: environment["AWS_ENDPOINT_URL"] ?? "",
    region: "us-east-1",
    credentials: credentialsOf(environment),
  });
  for (const Bucket of ["from", "into"]) {
    await s3.createBucket({ Bucket });
    await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Enabled" } });
  }
  const document = (...Statement: object[]) => JSON.stringify({ Version: "2012-10-17", Statement });
  const trust = { Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" };
  const { Role } = await iam.createRole({ RoleName: "mover", AssumeRolePolicyDocument: document(trust) });
  await iam.putRolePolicy({
    RoleName: "mover",
    PolicyName: "move",
    PolicyDocument: document(
      { Effect: "Allow", Action: ["s3:Get*", "s3:ListBucket"], Resource: ["arn:aws:s3:::from", "arn:aws:s3:::from/*"] },
      { Effect: "Allow", Action: "s3:Replicate*", Resource: "arn:aws:s3:::into/*" },
    ),
  });
  iam.destroy();
  await s3.putBucketReplication({
    Bucket: "from",
    ReplicationConfiguration: {
      Role: Role?.Arn ?? "",
      Rules: [
        {
          ID: "all",
          Priority: 1,
          Status: "Enabled",
          Filter: { Prefix: "" },
          DeleteMarkerReplication: { Status: "Enabled" },
          Destination: { Bucket: "arn:aws:s3:::into" },
        },
      ],
    },
  });
}

function credentialsOf(environment: Environment): { accessKeyId: string; secretAccessKey: string } {
  return {
    accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
  };
}

/** Writes until the server is gone. */
async function write(s3: S3, name: string, acknowledged: Acknowledged[]): Promise<void> {
  for (let count = 0; ; count++) {
    const Key = `${name}/${count % 5}`;
    if (count % 7 === 6) {
      const { VersionId = "" } = await s3.deleteObject({ Bucket: "from", Key });
      acknowledged.push({ key: Key, versionId: VersionId });
      continue;
    }
    const Body = randomBytes(SIZES[count % SIZES.length] ?? 0);
    const { VersionId = "" } = await s3.putObject({ Bucket: "from", Key, Body });
    acknowledged.push({ key: Key, versionId: VersionId, sha256: createHash("sha256").update(Body).digest("hex") });
  }
}

async function converged(served: Served, acknowledged: readonly Acknowledged[]): Promise<void> {
  const s3 = s3Of(await served.environment());
  try {
    const source = await readBucket(s3, "from");
    const found = new Map(source.versions.map((one) => [`${one.key} ${one.versionId}`, one]));
    assert.ok(acknowledged.length > 50, `only ${acknowledged.length} writes were acknowledged`);
    for (const { key, versionId, sha256 } of acknowledged) {
      const version = found.get(`${key} ${versionId}`);
      assert.ok(version !== undefined, `${key} ${versionId} was acknowledged and is gone`);
      assert.equal(version.isDeleteMarker, sha256 === undefined);
      if (version.body === undefined) continue;
      assert.equal(createHash("sha256").update(Buffer.from(version.body, "base64")).digest("hex"), sha256);
    }
    const endMs = Date.now() + CONVERGE_MS_MAX;
    for (;;) {
      const now = await readBucket(s3, "from");
      const replica = await readBucket(s3, "into");
      const undone = Object.values(now.statuses).filter((one) => one !== "COMPLETED").length;
      if (undone === 0 && replica.versions.length === now.versions.length) {
        assert.deepEqual(replica.versions, now.versions);
        break;
      }
      assert.ok(Date.now() < endMs, `${undone} of ${now.versions.length} versions are not COMPLETED`);
      await sleep(500);
    }
  } finally {
    s3.destroy();
    await served.stop();
  }
}
