/** The loop with the real binary: what its commands print and do is what the other suites of this folder work with. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { Diagnosis } from "../../src/core/diagnose/report.ts";
import { cleanEnvironment, lockstep, temporaryDirectory } from "../e2e/binary.ts";
import { assertReplicated, SMALL_KINDS, write } from "./objects.ts";
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
      assert.deepEqual((await type("fix", "--apply")).status, 0);
      const { status, value } = await type("resync");
      const { completed, failed, gone } = value as Record<"completed" | "failed" | "gone", number>;
      assert.deepEqual({ status, completed, failed, gone }, { status: 0, completed: 3, failed: 0, gone: 0 });
      assert.deepEqual((await type("diagnose")).status, 0);
      await assertReplicated(set, () => false);
    } finally {
      await set.world.close();
    }
  });
});
