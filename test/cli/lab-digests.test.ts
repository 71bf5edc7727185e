/** What of a lab is compared with the known good: every document that decides about replication, and only these. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { KmsControl } from "../../src/aws/kms.ts";
import { openConnection } from "../../src/cli/connection.ts";
import { DEFAULT_ACCOUNT } from "../../src/cli/defaults.ts";
import { labDigests } from "../../src/cli/up/digests.ts";
import { type Embedded, startEmbedded } from "../../src/cli/up/embedded.ts";
import { EXAMPLE_BUCKET, EXAMPLE_REPLICA_BUCKET, writeExample } from "../../src/cli/up/example.ts";
import { createS3Client, type S3Client } from "../../src/s3/client.ts";

describe("documents of a lab", () => {
  const dataDir = mkdtempSync(join(tmpdir(), "lockstep-digests-"));
  const clock = () => Date.now();
  const faults: unknown[] = [];
  let embedded: Embedded;
  let replica: S3Client;
  before(async () => {
    const where = { dataDir, host: "127.0.0.1", port: 0, consolePort: 0, environment: {} };
    embedded = await startEmbedded({ ...where, clock, onFault: (_, error) => faults.push(error) });
    const { lab, endpoint } = embedded;
    const credentials = await lab.account(DEFAULT_ACCOUNT);
    const access = { endpoint, region: "us-east-1", credentials: async () => credentials };
    const connection = await openConnection(access, clock, undefined);
    const source = createS3Client({ endpoint, region: "us-east-1", credentials, clock });
    replica = createS3Client({ endpoint, region: "eu-west-1", credentials, clock });
    const { iam, accountId } = connection;
    await writeExample({ source, replica, iam, kms: new KmsControl(access), accountId }, () => undefined);
    await Promise.all([source.close(), connection.close()]);
  });
  after(async () => {
    await replica.close();
    await embedded.close();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 });
    assert.deepEqual(faults, []);
  });

  it("are the configuration, the policies of buckets and role, and those of keys; a change shows in its own", async () => {
    const { lab, endpoint } = embedded;
    const digests = async () => {
      const found = await labDigests([EXAMPLE_BUCKET, "not-there"], { lab, endpoint, clock });
      return new Map(found.map((one) => [one.what.replace(/arn:aws:\S+/, "…"), one.digest]));
    };
    const before_ = await digests();
    assert.deepEqual(
      [...before_.keys()],
      [
        `replication configuration of ${EXAMPLE_BUCKET}`,
        `bucket policy of ${EXAMPLE_BUCKET}`,
        `bucket policy of ${EXAMPLE_REPLICA_BUCKET}`,
        "policies of …",
        ...(before_.has("key policy of …") ? ["key policy of …"] : []),
      ],
    );
    assert.deepEqual(await digests(), before_);
    const Statement = [
      {
        Effect: "Deny",
        Principal: "*",
        Action: "s3:ReplicateObject",
        Resource: `arn:aws:s3:::${EXAMPLE_REPLICA_BUCKET}/*`,
      },
    ];
    await replica.putBucketPolicy(EXAMPLE_REPLICA_BUCKET, JSON.stringify({ Version: "2012-10-17", Statement }));
    const after_ = await digests();
    const changed = [...after_].filter(([what, digest]) => before_.get(what) !== digest).map(([what]) => what);
    assert.deepEqual(changed, [`bucket policy of ${EXAMPLE_REPLICA_BUCKET}`]);
  });
});
