/** A bucket's real configuration in a lab in memory: every kind of object, under every rule, and what a change would do. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { after, afterEach, beforeEach, describe, test } from "node:test";
import type { Context } from "../../src/cli/context.ts";
import { scan } from "../../src/cli/diagnosis/scan.ts";
import { changeIn } from "../../src/cli/rehearsal/change.ts";
import { rehearsals } from "../../src/cli/rehearsal/rehearse.ts";
import { rehearseSetup } from "../../src/cli/rehearsal/rehearsing.ts";
import type { Matrix, MatrixRow } from "../../src/cli/rehearsal/words.ts";
import type { Setup } from "../../src/core/diagnose/facts.ts";
import type { Sample } from "../../src/doctor/rehearsal.ts";
import { openLab } from "../../src/lab/lab.ts";
import { temporaryDirectory } from "../e2e/binary.ts";
import { write } from "./objects.ts";
import { policy } from "./policies.ts";
import { Standard } from "./standard.ts";
import { ACCOUNT, SOURCE } from "./world.ts";

const PRINT = { markdown: false };

describe("rehearsals", () => {
  const directory = temporaryDirectory();
  let set: Standard;
  let context: Context;
  beforeEach(async () => {
    set = await Standard.make(directory.path);
    const stream = new PassThrough();
    context = {
      environment: {},
      clock: () => set.world.clock.nowMs(),
      stderr: stream,
      stdout: stream,
      workingDirectory: directory.path,
      interrupted: new AbortController().signal,
      onHangup: () => () => undefined,
    };
  });
  afterEach(() => set.world.close());
  after(() => directory.remove());

  /** What the doctor reads; a KMS-encrypted object makes it look at the source's key, too. */
  async function setupOf(): Promise<Setup> {
    await write(set, ["kms"]);
    await set.world.settle();
    return (await scan(await set.world.doctor(), { bucket: SOURCE }, context)).setup;
  }

  async function matrix(
    setup: Setup,
    change?: unknown,
    of?: string,
  ): Promise<{ status: number; rows: readonly MatrixRow[] }> {
    const file = `${directory.path}/change.json`;
    if (change !== undefined) writeFileSync(file, JSON.stringify(change));
    const asked = change === undefined ? undefined : changeIn("change.json", of, context);
    const { status, value } = await rehearseSetup(setup, asked, context, PRINT);
    return { status, rows: (value as Matrix).kinds };
  }

  const fates = (rows: readonly MatrixRow[]) =>
    rows.map((one) => `${one.kind.replace(/key [0-9a-f]+/, "key")}: ${one.fate}`);

  test("loop: in a healthy set-up every kind that a rule takes is replicated", async () => {
    const { status, rows } = await matrix(await setupOf());
    assert.equal(status, 0);
    assert.deepEqual(fates(rows), [
      "plain: replicates",
      "tagged: replicates",
      "multipart: replicates",
      "SSE-S3: replicates",
      "SSE-KMS, aws/s3: replicates",
      "SSE-KMS, key: replicates",
      "SSE-KMS with a bucket key, key: replicates",
      "DSSE-KMS, key: replicates",
      "delete marker: replicates",
      "archived (GLACIER): untaken",
    ]);
    const archived = rows.at(-1)?.cells[0];
    assert.equal(archived?.outcome === "skipped" ? archived.because : "", "archived");
  });

  test("loop: the edges of a rule's filter are tried, one character and one tag off", async () => {
    await set.editRule(({ Filter: _filter, DeleteMarkerReplication: _markers, ...rule }) => ({
      ...rule,
      Filter: { And: { Prefix: "in/", Tags: [{ Key: "team", Value: "blue" }] } },
      DeleteMarkerReplication: { Status: "Disabled" },
    }));
    const setup = (await scan(await set.world.doctor(), { bucket: SOURCE }, context)).setup;
    const { rows } = await matrix(setup);
    const edge = (kind: string) => rows.find((one) => one.kind === kind)?.cells[0];
    const reasonOf = (kind: string) => {
      const cell = edge(kind);
      return cell?.outcome === "skipped" ? cell.because : cell?.outcome;
    };
    assert.equal(reasonOf("plain"), "completed");
    assert.equal(reasonOf("beside the prefix"), "prefixDiffers");
    assert.equal(reasonOf("without tag team"), "tagsDiffer");
    assert.equal(reasonOf("delete marker"), "tagsDiffer");
  });

  test("loop: a change is told for every kind as healed, broken or the same, and nothing is written", async () => {
    await set.revoke("s3:ReplicateDelete");
    const setup = await setupOf();
    const held = await set.rolePolicy();
    const widened = {
      ...held,
      Statement: [...held.Statement, { Effect: "Allow", Action: "s3:ReplicateDelete", Resource: "*" }],
    };
    const healing = await matrix(setup, widened);
    assert.deepEqual(
      healing.rows.filter((one) => one.change === "healed").map((one) => one.kind),
      ["delete marker"],
    );
    const narrowed = policy({ Effect: "Allow", Action: "s3:*", Resource: "*" });
    const breaking = await matrix(setup, narrowed);
    assert.equal(breaking.status, 1);
    const broken = breaking.rows
      .filter((one) => one.change === "broken")
      .map((one) => one.kind.replace(/key [0-9a-f]+/, "key"));
    assert.deepEqual(broken, ["SSE-KMS, aws/s3", "SSE-KMS, key", "SSE-KMS with a bucket key, key", "DSSE-KMS, key"]);
    assert.deepEqual(await set.rolePolicy(), held);
  });

  test("loop: a replication configuration, a list of patches and a bucket policy are changes", async () => {
    const setup = await setupOf();
    const { replication } = setup.source;
    assert.ok(replication.state === "read");
    const { Rules, ...others } = replication.value as { readonly Rules: readonly object[] };
    const disabled = { ...others, Rules: Rules.map((rule) => ({ ...rule, Status: "Disabled" })) };
    const off = await matrix(setup, disabled);
    const brokenBy = (one: { rows: readonly MatrixRow[] }) => one.rows.filter((row) => row.change === "broken").length;
    assert.ok(brokenBy(off) > 0, JSON.stringify(disabled));
    const suspended = [
      {
        target: "versioning",
        resource: `arn:aws:s3:::${set.replica.bucket}`,
        before: null,
        after: { Status: "Suspended" },
      },
    ];
    const { rows } = await matrix(setup, suspended);
    const codes = new Set(
      rows.flatMap((row) => row.cells.flatMap((one) => (one.outcome === "failed" ? [one.code] : []))),
    );
    assert.ok(codes.has("DstBucketUnversioned"), [...codes].join());
    const deny = policy({
      Effect: "Deny",
      Principal: "*",
      Action: "s3:ReplicateObject",
      Resource: `arn:aws:s3:::${set.replica.bucket}/*`,
    });
    assert.ok(brokenBy(await matrix(setup, deny)) > 0);
  });

  test("loop: what is no change is a mistake of whoever typed it", async () => {
    const setup = await setupOf();
    await assert.rejects(matrix(setup, { hello: 1 }), { name: "UsageError", message: /neither patches nor/ });
    await assert.rejects(matrix(setup, policy({ Effect: "Deny", Principal: "*", Action: "s3:*", Resource: "*" })), {
      name: "UsageError",
      message: /--of ARN/,
    });
    assert.throws(() => changeIn("no-such.json", undefined, context), { name: "UsageError" });
  });

  test("loop: samples under a customer's key, locked ones, and those of another account can be made", async () => {
    const locked = await Standard.make(directory.path, { objectLock: "both" });
    try {
      const { setup } = await scan(await locked.world.doctor(), { bucket: SOURCE }, context);
      const plain = { tags: [], storageClass: "STANDARD", encryption: { kind: "SSE-S3" } } as const;
      const samples: readonly Sample[] = [
        { ...plain, key: "c", encryption: { kind: "SSE-C" } },
        { ...plain, key: "r", retained: true },
        { ...plain, key: "h", held: true },
        { ...plain, key: "s", foreign: { bucketOwnerMay: [] } },
      ];
      const rehearsed = await rehearsals(context.clock)(setup, samples);
      assert.deepEqual(
        rehearsed.map((one) => one.refused),
        [undefined, undefined, undefined, undefined],
      );
      const outcomes = rehearsed.map(({ sample, cells }) => `${sample.key} ${cells.map((one) => one.outcome).join()}`);
      // The destination has never been told to take SSE-C.
      assert.deepEqual(outcomes, ["c failed", "r completed", "h completed", "s completed"]);
    } finally {
      await locked.world.close();
    }
  });

  test("loop: the lab is furnished under the names, numbers and ARNs of the world", async () => {
    const setup = await setupOf();
    const lab = await openLab({ clock: context.clock, runsJobs: false });
    try {
      await lab.place(setup);
      assert.equal(lab.bucket(SOURCE)?.account, ACCOUNT);
      assert.equal(lab.bucket(set.replica.bucket)?.region, "eu-west-1");
      assert.equal(lab.kms.keys.resolve(set.source.keyArn, ACCOUNT, "us-east-1"), set.source.keyArn);
      const { owner } = { owner: setup.source.ownerId.state === "read" ? setup.source.ownerId.value : "" };
      assert.equal(lab.identity.canonicalUserId(ACCOUNT), owner);
      const role = setup.role.state === "read" ? setup.role.value : undefined;
      assert.ok(lab.identity.principalExists(role?.roleId ?? ""), "the role has its own id");
    } finally {
      await lab.close();
    }
  });
});
