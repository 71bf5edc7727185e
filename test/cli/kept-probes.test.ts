/** What is kept of a probe, when it counts, and what a person is told of it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SiteSettings } from "../../src/cli/config/settings.ts";
import { basisWords, keepProbe, knownBucket, OLD_AFTER_MS } from "../../src/cli/run/kept-probes.ts";
import { traitsOfStore } from "../../src/engine/store-traits.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { assumedCapabilities, CAUTIOUS, type Capabilities, INFORMATIONAL } from "../../src/s3/capabilities.ts";
import { PROFILES } from "../../src/s3/profiles.ts";

const AT_MS = Date.parse("2026-03-01T12:00:00Z");

const SITE: SiteSettings = {
  name: "edge",
  endpoint: "https://edge.example",
  region: "us-east-1",
  profile: PROFILES.seaweedfs,
  isProfileGuessed: true,
  server: "SeaweedFS 4.16",
  addressing: "path",
  credentials: { kind: "environment" },
  limits: {},
};

/** A ledger that has a probe of `photos` at the site, which found that it reads parts and writes on conditions. */
async function probed() {
  const ledger = openSqliteLedger({ path: ":memory:" });
  const found = { readsParts: true, conditionalPut: true };
  await keepProbe(ledger, SITE, { bucket: "photos", endedAtMs: AT_MS, found });
  return ledger;
}

const asked = (change: Partial<SiteSettings> = {}, nowMs = AT_MS) => ({
  site: { ...SITE, ...change },
  bucket: "photos",
  nowMs,
});

describe("kept probes", () => {
  it("counts before what is assumed of the provider, which counts for the rest", async () => {
    const { capabilities, basis } = await knownBucket(await probed(), asked());
    const assumed = assumedCapabilities(PROFILES.seaweedfs.known);
    assert.equal(assumed.conditionalPut, false);
    assert.deepEqual(capabilities, { ...assumed, readsParts: true, conditionalPut: true });
    assert.deepEqual(basis, { kind: "probed", at: "2026-03-01T12:00:00.000Z", isOld: false });
  });

  it("is of one bucket of one site", async () => {
    const ledger = await probed();
    const others = [{ ...asked(), bucket: "other" }, asked({ name: "elsewhere" })];
    for (const one of others) assert.equal((await knownBucket(ledger, one)).basis.kind, "assumed");
  });

  it("is kept in the place of an older one", async () => {
    const ledger = await probed();
    await keepProbe(ledger, SITE, { bucket: "photos", endedAtMs: AT_MS + 1, found: { readsParts: false } });
    const { capabilities } = await knownBucket(ledger, asked());
    assert.deepEqual([capabilities.readsParts, capabilities.conditionalPut], [false, false]);
  });

  for (const [what, change, words] of [
    ["endpoint", { endpoint: "https://other.example" }, /it was probed at https:\/\/edge\.example/],
    ["profile", { profile: PROFILES.ceph }, /assumed to do as ceph does, for it was probed as a seaweedfs store/],
    ["server", { server: "SeaweedFS 5.00" }, /its server was SeaweedFS 4\.16, and that is SeaweedFS 5\.00 now/],
  ] as const) {
    it(`does not count when the site has another ${what}, and a person is told so`, async () => {
      const known = await knownBucket(await probed(), asked(change));
      assert.deepEqual(known.capabilities, assumedCapabilities((change.profile ?? SITE.profile).known));
      assert.match(basisWords(known, "lockstep probe"), words);
    });
  }

  it("counts while the server does not say what it is", async () => {
    const { server: _, ...silent } = SITE;
    const known = await knownBucket(await probed(), { site: silent, bucket: "photos", nowMs: AT_MS });
    assert.equal(known.basis.kind, "probed");
  });

  it("does not count when another format of Lockstep's wrote it", async () => {
    const ledger = await probed();
    const [row] = await ledger.checkpoints("capabilities ");
    assert.equal(row?.name, "capabilities edge/photos");
    await ledger.setCheckpoint(row.name, JSON.stringify({ ...JSON.parse(row.value), format: 2 }));
    const known = await knownBucket(ledger, asked());
    assert.match(basisWords(known, "lockstep probe"), /probed by another version of Lockstep: run lockstep probe$/);
  });

  it("counts when it is old, and a person is told to repeat it", async () => {
    const ledger = await probed();
    const young = await knownBucket(ledger, asked({}, AT_MS + OLD_AFTER_MS));
    const old = await knownBucket(ledger, asked({}, AT_MS + OLD_AFTER_MS + 1));
    assert.deepEqual(old.capabilities, young.capabilities);
    assert.equal(basisWords(young, "lockstep probe"), "probed 2026-03-01");
    assert.equal(basisWords(old, "lockstep probe"), "probed 2026-03-01, which is long ago: run lockstep probe");
  });

  it("is not asked for where the store is Amazon S3 itself", async () => {
    const known = await knownBucket(undefined, asked({ profile: PROFILES.aws }));
    assert.equal(basisWords(known, "lockstep probe"), "known: it does as Amazon S3 does");
  });
});

describe("capabilities", () => {
  it("each steers the engine or is said to be for people only", () => {
    const read = new Set<string>();
    const watched = new Proxy(CAUTIOUS, {
      get: (can, name: keyof Capabilities) => {
        read.add(name);
        return can[name];
      },
    });
    traitsOfStore(watched);
    assert.deepEqual([...read, ...INFORMATIONAL].toSorted(), Object.keys(CAUTIOUS).toSorted());
  });
});
