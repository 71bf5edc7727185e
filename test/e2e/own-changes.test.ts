/** With the real binary: what `fix` writes and takes back is good as it is, and `lockstep alerts` says who did it. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { AlertsAnswer } from "../../src/console/routes/alerts.ts";
import { type Environment, lockstep, type Served, serve, temporaryDirectory } from "./binary.ts";

describe("documents that fix changes", () => {
  const directory = temporaryDirectory();
  let served: Served;
  let environment: Environment;

  before(async () => {
    served = await serve(`${directory.path}/data`, directory.path, ["--example"]);
    environment = { ...(await served.environment()), USER: "alice" };
  });
  after(async () => {
    await served.stop();
    directory.remove();
  });

  const ask = async <T>(...words: string[]): Promise<T> => {
    const { stdout, stderr } = await lockstep([...words, "--json"], environment);
    assert.equal(stderr, "");
    return JSON.parse(stdout) as T;
  };
  const accepted = async () => (await ask<AlertsAnswer>("alerts")).accepted;

  it("are known to be good since they were changed, by whom and why; and once more when they are taken back", async () => {
    assert.deepEqual(await accepted(), []);
    const { undo, applied } = await ask<{ undo: string; applied: { target: string; resource: string }[] }>(
      "fix",
      "s3://photos",
      "--apply",
      "--yes",
    );
    const role = applied.find((one) => one.target === "iam-role-policy")?.resource ?? "";
    const whats = ["replication configuration of photos", `policies of ${role}`].toSorted();
    const after_ = await accepted();
    assert.deepEqual(after_.map((one) => one.what).toSorted(), whats);
    assert.deepEqual([...new Set(after_.map((one) => `${one.by}: ${one.why}`))], [`alice: fix ${undo}`]);
    await ask("fix", "--undo", undo);
    const undone = await accepted();
    assert.deepEqual(undone.map((one) => one.what).toSorted(), whats);
    assert.deepEqual([...new Set(undone.map((one) => one.why))], [`fix --undo ${undo}`]);
    const { stdout } = await lockstep(["alerts"], environment);
    assert.match(stdout, new RegExp(`policies of ${role}: fix --undo ${undo}, by alice`));
  });
});
