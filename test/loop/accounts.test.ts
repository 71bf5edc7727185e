/** Two accounts with the real binary: the destination's documents are read and changed with a profile of its owner. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { Diagnosis } from "../../src/core/diagnose/report.ts";
import { cleanEnvironment, lockstep, temporaryDirectory } from "../e2e/binary.ts";
import { assertReplicated, write } from "./objects.ts";
import { without } from "./policies.ts";
import { Standard } from "./standard.ts";
import { OTHER_ACCOUNT, SOURCE } from "./world.ts";

const PROFILE = ["--profile-for", `${OTHER_ACCOUNT}=replica`];

describe("two accounts on the command line", () => {
  const directory = temporaryDirectory();
  after(() => directory.remove());

  test("loop: the bucket policy of another account is diagnosed, fixed and put back with that account's profile", async () => {
    const set = await Standard.make(directory.path);
    try {
      const { world } = set;
      await writeProfiles(set, directory.path);
      const held = await set.bucketPolicy("replica");
      await set.editBucketPolicy("replica", (policy) => without(policy, "s3:ReplicateTags"));
      const broken = await set.bucketPolicy("replica");
      await write(set, ["plain", "tagged", "kms"]);
      await world.settle();
      const environment = { ...cleanEnvironment(directory.path), ...(await world.environment()) };
      const type = async (...words: string[]) => {
        const [name = "", ...others] = words;
        const { status, stdout, stderr } = await lockstep([name, `s3://${SOURCE}`, ...others, "--json"], environment);
        return { status, stderr, value: stdout === "" ? undefined : (JSON.parse(stdout) as unknown) };
      };

      const blind = (await type("diagnose")).value as Diagnosis;
      const doubts = JSON.stringify(blind);
      assert.match(doubts, new RegExp(`--profile-for ${OTHER_ACCOUNT}=PROFILE names credentials`));
      assert.deepEqual(
        blind.causes.flatMap((one) => one.fix.patches.map((patch) => patch.target)),
        [],
        "what was not read is not patched",
      );

      const seeing = await type("diagnose", ...PROFILE);
      assert.equal(seeing.stderr, "");
      assert.deepEqual(
        (seeing.value as Diagnosis).causes.map(({ code, action, confidence }) => ({ code, action, confidence })),
        [{ code: "DstPutTaggingNotPermitted", action: "s3:ReplicateTags", confidence: "proven" }],
      );
      const applied = await type("fix", "--apply", "--yes", ...PROFILE);
      assert.deepEqual([applied.status, applied.stderr], [0, ""]);
      assert.deepEqual((await set.bucketPolicy("replica")).Statement[0]?.Action, held.Statement[0]?.Action);

      const { undo } = applied.value as { readonly undo: string };
      const refused = await type("fix", "--undo", undo);
      assert.equal(refused.status, 3, "without the profile nobody may");
      assert.match(refused.stderr, /--profile-for ACCOUNT=PROFILE names credentials/);
      assert.equal((await type("fix", "--undo", undo, ...PROFILE)).status, 0);
      assert.deepEqual(await set.bucketPolicy("replica"), broken);

      // The same by a variable.
      const ours = { ...environment, LOCKSTEP_PROFILE_FOR: `${OTHER_ACCOUNT}=replica` };
      assert.equal((await lockstep(["fix", `s3://${SOURCE}`, "--apply", "--yes"], ours)).status, 0);
      assert.equal((await type("resync")).status, 0);
      assert.deepEqual(await lockstep(["diagnose", `s3://${SOURCE}`, "--json"], ours).then((one) => one.status), 0);
      await assertReplicated(set, () => false);
    } finally {
      await set.world.close();
    }
  });

  test("loop: a profile of another account than the one it is named for is refused, and so is a word without one", async () => {
    const set = await Standard.make(directory.path);
    try {
      await writeProfiles(set, directory.path);
      const environment = { ...cleanEnvironment(directory.path), ...(await set.world.environment()) };
      const type = (...words: string[]) => lockstep(["diagnose", `s3://${SOURCE}`, ...words], environment);
      const mistaken = await type("--profile-for", "999988887777=replica");
      assert.equal(mistaken.status, 2);
      assert.match(mistaken.stderr, new RegExp(`holds credentials of account ${OTHER_ACCOUNT}, not of 999988887777`));
      const nobody = await type("--profile-for", "replica");
      assert.equal(nobody.status, 2);
      assert.match(nobody.stderr, /takes ACCOUNT=PROFILE/);
      const unknown = await type("--profile-for", `${OTHER_ACCOUNT}=nobody`);
      assert.equal(unknown.status, 3);
      assert.match(unknown.stderr, /profile nobody of the AWS configuration files yields none/);
    } finally {
      await set.world.close();
    }
  });
});

/** The owner of the destination, in the files that the AWS CLI reads. */
async function writeProfiles(set: Standard, home: string): Promise<void> {
  const { accessKeyId, secretAccessKey } = await set.world.credentials(OTHER_ACCOUNT);
  const lines = ["[replica]", `aws_access_key_id = ${accessKeyId}`, `aws_secret_access_key = ${secretAccessKey}`, ""];
  mkdirSync(join(home, ".aws"), { recursive: true });
  writeFileSync(join(home, ".aws", "credentials"), lines.join("\n"));
}
