/** The loop with the real binary: what its commands print and do is what the other suites of this folder work with. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { Diagnosis } from "../../src/core/diagnose/report.ts";
import { cleanEnvironment, lockstep, temporaryDirectory } from "../e2e/binary.ts";
import { assertReplicated, removeAll, SMALL_KINDS, write } from "./objects.ts";
import { Standard } from "./standard.ts";
import { SOURCE } from "./world.ts";

describe("the loop with the real binary", () => {
  const directory = temporaryDirectory();
  after(() => directory.remove());

  test("loop: the binary says, fixes and resyncs what this process does", async () => {
    const set = await Standard.make(directory.path, { sameAccount: true });
    try {
      const { world } = set;
      await set.revoke("s3:ReplicateTags");
      await set.revoke("kms:Decrypt");
      await write(set, SMALL_KINDS);
      await world.settle();
      const environment = { ...cleanEnvironment(directory.path), ...(await world.environment()) };
      const type = async (...words: string[]) => {
        const { status, stdout, stderr } = await lockstep([...words, `s3://${SOURCE}`, "--json"], environment);
        return { status, stderr, value: stdout === "" ? undefined : (JSON.parse(stdout) as unknown) };
      };
      const said = await type("diagnose");
      const { takenAt: _, ...expected } = await world.diagnose();
      const { takenAt: __, ...printed } = said.value as Diagnosis;
      assert.deepEqual([said.status, said.stderr], [1, ""]);
      assert.deepEqual(printed, expected);
      assert.deepEqual((await type("fix", "--apply", "--yes")).status, 0);
      const { status, value } = await type("resync");
      const { completed, failed, gone } = value as Record<"completed" | "failed" | "gone", number>;
      assert.deepEqual({ status, completed, failed, gone }, { status: 0, completed: 3, failed: 0, gone: 0 });
      assert.deepEqual((await type("diagnose")).status, 0);
      await assertReplicated(set, () => false);
    } finally {
      await set.world.close();
    }
  });

  test("loop: what is on record of a bucket that is gone is forgotten when somebody says so, and not before", async () => {
    const set = await Standard.make(directory.path, { sameAccount: true });
    try {
      const { world } = set;
      await set.revoke("s3:ReplicateObject");
      await write(set, ["plain"]);
      await world.settle();
      const environment = { ...cleanEnvironment(directory.path), ...(await world.environment()) };
      const type = (...words: string[]) => lockstep([...words, `s3://${SOURCE}`], environment);
      const early = await type("resync", "--gone");
      assert.deepEqual([early.status, early.stderr], [2, `lockstep: s3://${SOURCE} is there: leave --gone out\n`]);
      await removeAll(set, "source");
      await set.source.s3.deleteBucket({ Bucket: SOURCE });
      for (const command of ["diagnose", "resync"]) {
        const { status, stderr } = await type(command);
        assert.equal(status, 3);
        assert.match(stderr, new RegExp(`there is no bucket .*: lockstep resync s3://${SOURCE} --gone forgets them`));
      }
      const { status, stdout } = await type("resync", "--gone");
      assert.equal(status, 0);
      assert.match(stdout, /1 version gone at the source: nothing is left to do/);
      assert.deepEqual((await world.ledger.list({}, { limit: 1 })).tasks, []);
      assert.doesNotMatch((await type("diagnose")).stderr, /--gone/);
    } finally {
      await set.world.close();
    }
  });
});
