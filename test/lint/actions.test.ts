/** The table of actions is what its generator makes of the package it is generated from. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import {
  actionsMatching,
  isConditionKey,
  knowsKey,
  nearestAction,
  nearestConditionKey,
} from "../../src/core/lint/action-index.ts";
import { OWNER_OVERRIDE_ACTION, REPLICATION_ACTIONS } from "../../src/core/plan.ts";
import { actionsModule } from "../../tools/generate-actions.ts";

describe("the table of actions", () => {
  it("is up to date", async () => {
    assert.equal(readFileSync("src/core/lint/actions.ts", "utf8"), await actionsModule());
  });

  it("has every action that replication needs", () => {
    for (const action of [
      ...Object.values(REPLICATION_ACTIONS),
      OWNER_OVERRIDE_ACTION,
      "kms:Encrypt",
      "iam:PassRole",
    ]) {
      assert.deepEqual(
        actionsMatching(action).map(({ name }) => name),
        [action],
      );
    }
  });

  it("suggests names in AWS's spelling", () => {
    assert.equal(nearestAction("S3:GetObjectVersionForReplicaton"), "s3:GetObjectVersionForReplication");
    assert.equal(nearestConditionKey("kms:ViaServices"), "kms:ViaService");
    assert.equal(nearestConditionKey("aws:PrincipleArn"), "aws:PrincipalArn");
  });

  it("tells which condition keys an action knows", () => {
    const [read] = actionsMatching("s3:GetObjectVersionForReplication");
    const [tags] = actionsMatching("s3:GetObjectVersionTagging");
    const [encrypt] = actionsMatching("kms:Encrypt");
    assert.ok(read !== undefined && tags !== undefined && encrypt !== undefined);
    assert.deepEqual(
      [knowsKey(read, "s3:ExistingObjectTag/a"), knowsKey(tags, "s3:ExistingObjectTag/a")],
      [false, true],
    );
    assert.ok(knowsKey(encrypt, "kms:EncryptionContext:aws:s3:arn"));
    assert.ok(isConditionKey("aws:PrincipalTag/team"));
    assert.ok(!isConditionKey("s3:NoSuchKey"));
  });
});
