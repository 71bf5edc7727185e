/** The lab as other stores: it keeps the Store contract as far as they do, and a probe finds of each what its profile says. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from "@aws-sdk/client-iam";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { systemClock } from "../../src/cli/clock.ts";
import { capabilitiesOf, findingsOf, probe } from "../../src/engine/probe.ts";
import type { FlavourName } from "../../src/lab/flavours/flavours.ts";
import { assumedCapabilities, CAUTIOUS } from "../../src/s3/capabilities.ts";
import { createS3Client, type S3Client } from "../../src/s3/client.ts";
import { PROFILES, type ProviderProfile } from "../../src/s3/profiles.ts";
import { recognise } from "../../src/s3/recognise.ts";
import { CEPH } from "../conformance/ceph.ts";
import { type StoreCapabilities, storeConformance } from "../conformance/store.ts";
import { REGION, TestLab } from "./lab.ts";

/** A lab and a client that speaks to it as to the store that it does as. */
async function start(flavour: FlavourName): Promise<{ readonly lab: TestLab; readonly client: S3Client }> {
  const lab = await TestLab.start({ flavour });
  return { lab, client: clientOf(lab, flavour, lab.alice) };
}

function clientOf(lab: TestLab, flavour: FlavourName, credentials: TestLab["alice"]): S3Client {
  const profile: ProviderProfile = { ...PROFILES[flavour], addressing: "path" };
  return createS3Client({ endpoint: lab.endpoint, region: REGION, credentials, profile, clock: () => Date.now() });
}

async function makeStore(flavour: FlavourName) {
  const { lab, client } = await start(flavour);
  const bucket = `conform-${flavour}`;
  await lab.s3().send(new CreateBucketCommand({ Bucket: bucket, ObjectOwnership: "ObjectWriter" }));
  return {
    store: client,
    settings: client,
    bucket,
    isDisposable: true,
    close: async () => {
      await client.close();
      await lab.stop();
    },
  };
}

const CAPABILITIES: Partial<Record<FlavourName, Partial<StoreCapabilities>>> = {
  minio: {},
  // What the lab does not do as Ceph does: a retention can be ended, and copies tell their version.
  ceph: { ...CEPH, endsRetention: true, copyTellsVersion: true },
  seaweedfs: { replicaIdentity: false, conditionalPut: false },
};

for (const [flavour, capabilities] of Object.entries(CAPABILITIES)) {
  storeConformance(`the lab as ${flavour}`, () => makeStore(flavour as FlavourName), capabilities);
}

describe("the lab as another store", () => {
  for (const [flavour, by] of [
    ["aws", "answer"],
    ["minio", "answer"],
    ["ceph", "answer"],
    ["seaweedfs", "answer"],
    ["garage", "nothing"],
    ["r2", "nothing"],
  ] as const) {
    it(`${flavour} is recognised by its answers, where they give it away`, async () => {
      const { lab, client } = await start(flavour);
      try {
        const found = await recognise(lab.endpoint);
        assert.deepEqual([found.by, found.profile.name], [by, by === "answer" ? flavour : "generic"]);
      } finally {
        await client.close();
        await lab.stop();
      }
    });

    it(`a probe of ${flavour} finds what its profile says, and nothing else against it`, async () => {
      const { lab, client } = await start(flavour);
      try {
        await client.createBucket("tried");
        if (flavour !== "garage" && flavour !== "r2") await client.putBucketVersioning("tried", "Enabled");
        const clock = { ...systemClock(() => Date.now()), sleep: async () => undefined };
        const report = await probe(client, client, { bucket: "tried", id: "f", clock });
        assert.deepEqual(report.left, []);
        const { known }: ProviderProfile = PROFILES[flavour];
        const found = capabilitiesOf(report, CAUTIOUS);
        const differing = Object.entries(assumedCapabilities(known)).filter(
          ([name, value]) =>
            name in known && JSON.stringify(found[name as keyof typeof found]) !== JSON.stringify(value),
        );
        assert.deepEqual(
          differing.map(([name]) => name),
          DIFFERING[flavour] ?? [],
        );
        const lacks = findingsOf(report).map(({ id }) => id);
        assert.deepEqual(lacks, LACKING[flavour] ?? []);
      } finally {
        await client.close();
        await lab.stop();
      }
    });
  }
});

/** Not tried by a probe, or told by it alone. */
const UNTRIED = ["locksOnUploads", "storageClasses", "md5Verified"];
const DIFFERING: Partial<Record<FlavourName, readonly string[]>> = {
  aws: UNTRIED,
  minio: ["versionIds", "storageClasses", "md5Verified"],
  ceph: ["md5Verified"],
  r2: ["storageClasses"],
};
const NO_VERSIONS = ["versioning.enabled", "marker.write", "marker.hides"];
const LACKING: Partial<Record<FlavourName, readonly string[]>> = { garage: NO_VERSIONS, r2: NO_VERSIONS };

describe("the lab as MinIO", () => {
  let lab: TestLab;
  let root: S3Client;

  before(async () => {
    ({ lab, client: root } = await start("minio"));
    await root.createBucket("ids");
    await root.putBucketVersioning("ids", "Enabled");
  });
  after(async () => {
    await root.close();
    await lab.stop();
  });

  /** A user who may do these things to everything. */
  async function user(name: string, ...actions: readonly string[]): Promise<S3Client> {
    const iam = lab.iam();
    await iam.send(new CreateUserCommand({ UserName: name }));
    const PolicyDocument = JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: actions, Resource: "*" }],
    });
    await iam.send(new PutUserPolicyCommand({ UserName: name, PolicyName: "p", PolicyDocument }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: name }));
    return clientOf(lab, "minio", {
      accessKeyId: AccessKey?.AccessKeyId ?? "",
      secretAccessKey: AccessKey?.SecretAccessKey ?? "",
    });
  }

  const write = (key: string, versionId?: string) => ({
    bucket: "ids",
    key,
    body: Buffer.from("x"),
    contentHeaders: {},
    userMetadata: {},
    ...(versionId === undefined ? {} : { replica: { versionId } }),
  });
  const ID = "0b5d9f0e-5a0c-4a0f-9d58-7f4b0f7d2a10";

  it("gives UUIDs to what has no id, and keeps one that a replica brings, in the order of writing", async () => {
    const first = await root.putObject(write("order"));
    assert.match(first.versionId ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    await root.putObject(write("order", ID));
    const last = await root.putObject(write("order"));
    const { versions } = await root.listObjectVersions({ bucket: "ids", prefix: "order" });
    assert.deepEqual(
      versions.map((one) => one.versionId),
      [last.versionId, ID, first.versionId],
    );
    assert.equal((await root.headObject({ bucket: "ids", key: "order", versionId: ID })).replicationStatus, "REPLICA");
  });

  it("takes no id that is not a UUID", async () => {
    await assert.rejects(root.putObject(write("odd", "SomeOtherId")), { status: 400, code: "InvalidArgument" });
  });

  it("takes ids from who may replicate, and from nobody else", async () => {
    const writer = await user("writer", "s3:PutObject", "s3:DeleteObject");
    await writer.putObject(write("may"));
    await assert.rejects(writer.putObject(write("may", ID)), { status: 403, code: "AccessDenied" });
    const marker = { bucket: "ids", key: "may", replica: { versionId: ID } };
    await assert.rejects(writer.deleteObject(marker), { status: 403, code: "AccessDenied" });
    await writer.close();
    const replicator = await user("replicator", "s3:ReplicateObject", "s3:ReplicateDelete");
    assert.equal((await replicator.putObject(write("may", ID))).versionId, ID);
    const other = ID.replace("0b5d", "1c6e");
    const made = await replicator.deleteObject({ ...marker, replica: { versionId: other } });
    assert.deepEqual([made.versionId, made.isDeleteMarker], [other, true]);
    await replicator.close();
  });

  it("a probe by who may replicate finds that ids are kept, by anybody else that they are not", async () => {
    const clock = { ...systemClock(() => Date.now()), sleep: async () => undefined };
    const found = async (client: S3Client, id: string) =>
      (await probe(client, client, { bucket: "ids", id, clock })).found.versionIds;
    assert.equal(await found(root, "root"), "kept");
    const PLAIN = [
      "s3:PutObject*",
      "s3:GetObject*",
      "s3:DeleteObject*",
      "s3:List*",
      "s3:GetBucket*",
      "s3:AbortMultipartUpload",
    ];
    const plain = await user("plain", ...PLAIN);
    assert.equal(await found(plain, "plain"), "minted");
    await plain.close();
  });
});
