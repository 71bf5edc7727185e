/** `lockstep run` beside a bucket that its store replicates itself: metrics without an engine of ours, also after kill -9. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Overview } from "../../src/console/overview.ts";
import { BINARY, type Environment, lockstep, type Served, serve, temporaryDirectory } from "./binary.ts";
import { s3Of } from "./sdk.ts";
import { endEngine, saidFirst } from "./two-stores.ts";

/** Less than the time after which an engine of another name would take over. */
const SOON_MS = 60_000;

describe("buckets that a store replicates itself", () => {
  const directory = temporaryDirectory();
  let served: Served;
  let environment: Environment;
  let child: ChildProcess | undefined;
  let path = "";

  before(async () => {
    served = await serve(`${directory.path}/data`, directory.path, ["--example"]);
    environment = await served.environment();
    const s3 = s3Of(environment);
    const { ReplicationConfiguration: { Role, Rules = [] } = { Role: "", Rules: [] } } = await s3.getBucketReplication({
      Bucket: "photos",
    });
    for (const { Destination } of Rules) if (Destination !== undefined) Destination.Metrics = { Status: "Enabled" };
    await s3.putBucketReplication({ Bucket: "photos", ReplicationConfiguration: { Role, Rules } });
    s3.destroy();
    path = `${directory.path}/watch.yaml`;
    writeFileSync(
      path,
      `sites: {aws: {endpoint: "\${AWS_ENDPOINT_URL}", provider: aws, addressing: path}}
watched:
  photos: {site: aws, bucket: photos, every: 1m}
  none: {site: aws, bucket: nowhere}
console: {port: 0}
metrics: {public: true}
`,
    );
  });
  after(async () => {
    child?.kill("SIGKILL");
    await served.stop();
    directory.remove();
  });

  /** Until it has told of the bucket that is not there. */
  async function begin(): Promise<string> {
    child = spawn(process.execPath, [BINARY, "run", "-c", path, "--json"], {
      env: environment,
      cwd: directory.path,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let complaints = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      complaints += chunk.toString();
    });
    const said = await saidFirst(child);
    assert.deepEqual(said.watched, ["photos", "none"]);
    assert.deepEqual(said.replications, []);
    const endMs = Date.now() + SOON_MS;
    while (!/^none: metrics of s3:\/\/nowhere cannot be read: .*NoSuchBucket/m.test(complaints)) {
      assert.ok(Date.now() < endMs, complaints);
      await sleep(100);
    }
    return said.consoleUrl;
  }

  it("are shown at /metrics, and at once after kill -9", async () => {
    const figures = async (url: string) => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return text.split("\n").filter((line) => /^lockstep_(?:backlog_operations|failures_total|published)/.test(line));
    };
    const first = await figures(await begin());
    assert.equal(first.length, 3, first.join("\n"));
    assert.match(first[0] ?? "", /\{replication="photos",rule="everything",destination="photos-replica"\} 0$/);
    if (child !== undefined) await endEngine(child, "SIGKILL");
    assert.deepEqual(await figures(await begin()), first);
  });

  it("stand in the status of the engine, with the time that they are of", async () => {
    if (child !== undefined) await endEngine(child, "SIGKILL");
    const where = ["--server", await begin(), "--token-file", `${directory.path}/lockstep.token`];
    const { stdout } = await lockstep(["status", ...where], environment, directory.path);
    const said =
      /^watched +s3:\/\/photos → s3:\/\/photos-replica by everything: 0 operations, .* as CloudWatch said .* ago$/m;
    assert.match(stdout, said);
    const { stdout: json } = await lockstep(["status", "--json", ...where], environment, directory.path);
    const { published } = JSON.parse(json) as Overview;
    assert.deepEqual(
      published.map((one) => [one.name, one.flows.map(({ ruleId, pending }) => [ruleId, pending?.operations])]),
      [["photos", [["everything", 0]]]],
    );
  });

  it("are asked about by run --check", async () => {
    const { status, stdout } = await lockstep(["run", "-c", path, "--check", "--json"], environment, directory.path);
    const { ends } = JSON.parse(stdout) as { ends: { replication: string; ok: boolean; says: string }[] };
    assert.equal(status, 3);
    assert.deepEqual(
      ends.map((one) => [one.replication, one.ok]),
      [
        ["photos", true],
        ["none", false],
      ],
    );
    assert.equal(ends[0]?.says, "ready, metrics of 1 rule");
  });
});
