/** A probe of a configuration's bucket, and what `lockstep run` makes of it: the real binary between two labs. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import type { S3Client } from "../../src/s3/client.ts";
import { lockstep } from "./binary.ts";
import { contents, listed, replication, TwoStores } from "./two-stores.ts";

describe("probe of a configured site", () => {
  let stores: TwoStores;
  before(async () => {
    stores = await TwoStores.open();
    await stores.bucket("photos");
  });
  after(() => stores.close());

  const probe = (path: string, ...words: readonly string[]) =>
    lockstep(["probe", "s3://photos", "-c", path, ...words], stores.environment, stores.directory.path);

  it("keeps what it finds, leaves nothing else, and run --check says so", async () => {
    const path = stores.configure("kept", replication("photos"));
    const before = await stores.run(path, "--check", "--json");
    assert.match(before.stdout, /"known: it does as Amazon S3 does"/);
    const { status, stdout } = await probe(path, "--site", "there", "--json");
    const value = JSON.parse(stdout) as { kept: boolean; site: string; provider: object };
    assert.deepEqual([status, value.kept, value.site], [0, true, "there"]);
    assert.deepEqual(await listed(stores.there, "photos"), []);
    const checked = await stores.run(path, "--check", "--json");
    const { ends } = JSON.parse(checked.stdout) as {
      ends: readonly { site: string; basis: { kind: string; at?: string }; capabilities: { readsParts: boolean } }[];
    };
    const kinds = ends.map(({ site, basis, capabilities }) => [site, basis.kind, capabilities.readsParts]);
    assert.deepEqual(kinds, [
      ["here", "assumed", true],
      ["there", "probed", true],
    ]);
    const words = await stores.run(path, "--check");
    assert.match(words.stdout, /^there\/photos: probed 20\d\d-\d\d-\d\d$/m);
  });

  it("keeps it while an engine holds the ledger, and the next one says what it goes by", async () => {
    const path = stores.configure("running", replication("photos"));
    for (const expected of [undefined, /there\/photos: probed 20\d\d/]) {
      const child = stores.spawn(path, "--json");
      let told = "";
      child.stderr?.on("data", (chunk: Buffer) => {
        told += chunk.toString();
      });
      const ended = once(child, "exit");
      await once(child.stdout ?? process, "data");
      if (expected === undefined) {
        const { status, stdout, stderr } = await probe(path, "--site", "there");
        assert.equal(status, 0, stderr);
        assert.match(stdout, /Kept for lockstep run: it goes by this for there\/photos from now on\.\n$/);
      }
      child.kill("SIGTERM");
      assert.deepEqual(await ended, [0, null]);
      if (expected !== undefined) assert.match(told, expected);
    }
  });

  it("refuses sites that are not there, and what the configuration says already", async () => {
    const path = stores.configure("refused", replication("photos"));
    const unknown = await probe(path, "--site", "nowhere");
    assert.deepEqual([unknown.status, unknown.stdout], [2, ""]);
    assert.match(unknown.stderr, /--site is one of here, there in .*refused\.yaml, not "nowhere"/);
    const doubled = await probe(path, "--site", "there", "--provider", "ceph");
    assert.match(doubled.stderr, /takes the store's address, provider and credentials from the configuration/);
    assert.match((await probe(path)).stderr, /--config says what --site means: give both/);
    assert.equal((await probe(`${path}.not`, "--site", "there")).status, 2);
  });
});

describe("replicas between stores of different makes", () => {
  interface Ids {
    readonly key: string;
    readonly versionId: string;
    readonly isDeleteMarker: boolean;
  }
  const ids = async (client: S3Client): Promise<Ids[]> =>
    (await listed(client, "ids")).map(({ key, versionId, isDeleteMarker }) => ({ key, versionId, isDeleteMarker }));

  const completedOnce = async (stores: TwoStores, path: string): Promise<number> => {
    const { status, stdout } = await stores.run(path, "--once", "--json");
    assert.equal(status, 0, stdout);
    return (JSON.parse(stdout) as { completed: number }).completed;
  };

  for (const [here, there, isKept] of [
    ["minio", "minio", true],
    // MinIO takes no ids but UUIDs.
    ["aws", "minio", false],
    ["aws", "ceph", false],
  ] as const) {
    it(`${here} to ${there}: version ids are ${isKept ? "kept" : "mapped"} once it is probed, and nothing is there twice`, async () => {
      const stores = await TwoStores.open({ here, there });
      try {
        await stores.bucket("ids");
        const path = stores.configure("ids", replication("ids"));
        await put(stores.here, "early", "before the probe");
        assert.equal(await completedOnce(stores, path), 1);
        for (const site of ["here", "there"]) {
          const words = ["probe", "s3://ids", "--site", site, "-c", path];
          const { status, stdout } = await lockstep(words, stores.environment, stores.directory.path);
          assert.equal(status, 0, stdout);
        }
        for (const body of ["1", "2", "3"]) await put(stores.here, "a", body);
        await stores.here.deleteObject({ bucket: "ids", key: "a" });
        await put(stores.here, "early", "after the probe");
        await upload(stores.here, "parts");
        assert.equal(await completedOnce(stores, path), 6);
        assert.deepEqual(await contents(stores.there, "ids"), await contents(stores.here, "ids"));
        const [source, replica] = [await ids(stores.here), await ids(stores.there)];
        const own = new Set(source.map((one) => one.versionId));
        const kept = replica.filter((one) => own.has(one.versionId)).map((one) => one.key);
        assert.deepEqual(kept, isKept ? ["a", "a", "a", "a", "early", "parts"] : []);
        assert.equal(await completedOnce(stores, path), 0);
        assert.deepEqual(await ids(stores.there), replica);
      } finally {
        await stores.close();
      }
    });
  }

  async function put(client: S3Client, key: string, body: string): Promise<void> {
    await client.putObject({ bucket: "ids", key, body: Buffer.from(body), contentHeaders: {}, userMetadata: {} });
  }

  async function upload(client: S3Client, key: string): Promise<void> {
    const at = { bucket: "ids", key };
    const { uploadId } = await client.createMultipartUpload({ ...at, contentHeaders: {}, userMetadata: {} });
    const parts = [];
    for (const [index, size] of [5 * 1024 * 1024, 1].entries()) {
      const body = Buffer.alloc(size, index + 1);
      parts.push(await client.uploadPart({ ...at, uploadId, partNumber: index + 1, body }));
    }
    await client.completeMultipartUpload({ ...at, uploadId, parts });
  }
});
