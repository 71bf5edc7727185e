/** Versions that are removed for good at the source, and their replicas: kept, or removed where a replication asks for it. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { S3Error } from "../../src/s3/errors.ts";
import type { Store } from "../../src/s3/store.ts";
import { configurationTo, HERE, MintingWorld, THERE } from "./minting-world.ts";
import { instead } from "./world.ts";

const FLAVOURS = ["aws", "ceph", "minio"] as const;

for (const flavour of FLAVOURS) {
  describe(`versions that were removed for good, in stores that do as ${flavour} does`, () => suiteOf(flavour));
}

function suiteOf(flavour: (typeof FLAVOURS)[number]): void {
  let world: MintingWorld;
  beforeEach(async () => {
    world = await MintingWorld.make(50, flavour);
    for (const body of ["1", "2", "3"]) await world.put(HERE, "a", body);
    await world.mark(HERE, "a");
    await world.put(HERE, "b", "only");
    await world.replicate();
    world.propagatesDeletes = true;
  });
  afterEach(() => world.close());

  const failures = async () => {
    const { tasks } = await world.ledger.list({ state: "parked" }, { limit: 10 });
    return tasks.map((one) => `${one.operation} ${one.failure?.code}`);
  };

  it("stay at the destination, as on AWS, unless it is asked for", async () => {
    world.propagatesDeletes = false;
    await world.remove(HERE, "a", "2");
    await world.remove(HERE, "b", "only");
    await world.replicate();
    assert.deepEqual(await world.words(THERE), ["a: 1 2 3 -", "b: only"]);
  });

  it("are removed there, markers too, and nothing else; and then there is nothing more to do", async () => {
    await world.put(THERE, "b", "theirs");
    for (const body of ["2", "-"]) await world.remove(HERE, "a", body);
    await world.remove(HERE, "b", "only");
    const [result] = await world.replicate();
    assert.equal(result?.added, 3);
    assert.deepEqual(await world.words(THERE), ["a: 1 3", "b: theirs"]);
    assert.deepEqual(await failures(), []);
    const [again] = await world.replicate();
    assert.equal(again?.added, 0);
  });

  it("are removed there when a notification tells of the key, also the last one of it", async () => {
    await world.remove(HERE, "b", "only");
    await world.notified((changes) => changes.mark(HERE, "b"));
    assert.deepEqual(await world.words(THERE), ["a: 1 2 3 -"]);
  });

  it("stay when the source does not say that they are gone, whatever else it says", async () => {
    await world.remove(HERE, "b", "only");
    const answering = (status: number) => (store: Store) =>
      instead(store, {
        headObject: async () => {
          throw new S3Error("not now", { operation: "HeadObject", status });
        },
      });
    world.wrap.source = answering(403);
    await world.replicate();
    assert.deepEqual(await world.words(THERE), ["a: 1 2 3 -", "b: only"]);
    assert.deepEqual(await failures(), ["delete SrcHeadObjectNotPermitted"]);
  });

  it("stay when a listing leaves them out and the source has them all the same", async () => {
    const hidden = (store: Store): Store =>
      instead(store, {
        listObjectVersions: async (request, options) => {
          const page = await store.listObjectVersions(request, options);
          return request.bucket === HERE ? { ...page, versions: page.versions.filter((one) => one.key !== "b") } : page;
        },
      });
    world.listed = hidden;
    world.wrap.source = hidden;
    const [result] = await world.replicate();
    assert.equal(result?.added, 1);
    assert.deepEqual(await world.words(THERE), ["a: 1 2 3 -", "b: only"]);
    assert.deepEqual(await failures(), []);
  });

  it("take along nothing that carries another mark than theirs", async () => {
    const [replica] = (await world.rows(THERE)).filter((one) => one.key === "b");
    const [source] = (await world.rows(HERE)).filter((one) => one.key === "b");
    assert.ok(replica !== undefined && source !== undefined);
    const theirs = await world.put(THERE, "b", "theirs");
    const version = { bucket: HERE, key: "b", versionId: source.versionId };
    const destinationArn = `arn:aws:s3:::${THERE}`;
    await world.ledger.rememberReplicas([{ version, destinationArn, replicaVersionId: theirs }]);
    await world.remove(HERE, "b", "only");
    await world.replicate();
    assert.deepEqual(await world.words(THERE), ["a: 1 2 3 -", "b: only theirs"]);
    assert.deepEqual(await failures(), ["delete DstVersionIdDiffers"]);
  });

  it("leave everything as it is where the ledger that knew their replicas is lost", async () => {
    await world.remove(HERE, "a", "2");
    await world.ledger.close();
    world.ledger = openSqliteLedger({ path: ":memory:" });
    await world.replicate();
    assert.deepEqual(await world.words(THERE), ["a: 1 2 3 -", "b: only"]);
  });

  it("are not brought back by a source that is its replica in turn, and a replica that goes takes no source along", async () => {
    world.configurations = { [HERE]: configurationTo(THERE), [THERE]: configurationTo(HERE) };
    await world.put(THERE, "theirs", "1");
    await world.replicate();
    await world.remove(HERE, "a", "3");
    await world.remove(THERE, "b", "only");
    await world.remove(THERE, "theirs", "1");
    for (const _ of [1, 2]) await world.replicate();
    assert.deepEqual(await world.words(HERE), ["a: 1 2 -", "b: only"]);
    assert.deepEqual(await world.words(THERE), ["a: 1 2 -"]);
    assert.deepEqual(await failures(), []);
  });

  it("fail by their reason where the replica is not let go, and are not asked for again by scans", async () => {
    world.wrap.destination = (store) =>
      instead(store, {
        deleteObject: async () => {
          throw new S3Error("it is locked", { operation: "DeleteObject", status: 403, code: "AccessDenied" });
        },
      });
    await world.remove(HERE, "b", "only");
    await world.replicate();
    assert.deepEqual(await failures(), ["delete DstDelObjNotPermitted"]);
    const [again] = await world.replicate();
    assert.equal(again?.added, 0);
  });
}
