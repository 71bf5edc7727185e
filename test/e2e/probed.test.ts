/** A probe of a configuration's bucket, and what `lockstep run` makes of it: the real binary between two labs. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { lockstep } from "./binary.ts";
import { listed, replication, TwoStores } from "./two-stores.ts";

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
