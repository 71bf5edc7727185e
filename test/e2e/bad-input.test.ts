/** What is wrong is said in one line that names it and what to do, with the exit status of its kind. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { after, before, describe, it } from "node:test";
import { openDatabase } from "../../src/ledger/database.ts";
import { cleanEnvironment, type Environment, lockstep, type Served, serve, temporaryDirectory } from "./binary.ts";
import { s3Of } from "./sdk.ts";

describe("bad input", () => {
  const directory = temporaryDirectory();
  const nothing = cleanEnvironment(directory.path);
  const dataDir = `${directory.path}/data`;
  let served: Served;
  let lab: Environment;

  before(async () => {
    served = await serve(dataDir, directory.path);
    lab = await served.environment();
    const s3 = s3Of(lab);
    await s3.createBucket({ Bucket: "lonely" });
    s3.destroy();
  });
  after(async () => {
    await served.stop();
    directory.remove();
  });

  async function complains(
    words: readonly string[],
    environment: Environment,
    status: number,
    says: RegExp,
  ): Promise<void> {
    const outcome = await lockstep(words, environment);
    assert.equal(outcome.status, status, `${outcome.stdout}${outcome.stderr}`);
    assert.equal(outcome.stdout, "");
    const lines = outcome.stderr.trimEnd().split("\n");
    assert.equal(lines.length, 1, outcome.stderr);
    assert.match(outcome.stderr, says);
  }

  for (const command of ["status", "diagnose", "fix", "resync"]) {
    it(`${command}: a bucket that is not there`, async () => {
      await complains([command, "s3://no-such-bucket"], lab, 3, /there is no bucket no-such-bucket at http/);
    });

    it(`${command}: credentials that are not accepted`, async () => {
      const wrong = { ...lab, AWS_SECRET_ACCESS_KEY: "wrong" };
      await complains([command, "s3://lonely"], wrong, 3, /the credentials are not accepted/);
      await complains([command, "s3://lonely"], { ...lab, AWS_ACCESS_KEY_ID: "AKIANOBODY" }, 3, /not accepted/);
    });

    it(`${command}: an endpoint where nobody listens`, async () => {
      const away = { ...lab, AWS_ENDPOINT_URL: "http://127.0.0.1:9" };
      await complains(
        [command, "s3://lonely"],
        away,
        3,
        /nobody answers at http:\/\/127\.0\.0\.1:9 .*AWS_ENDPOINT_URL/,
      );
    });

    it(`${command}: no credentials at all`, async () => {
      const away = { ...nothing, AWS_ENDPOINT_URL: served.endpoint, AWS_EC2_METADATA_DISABLED: "true" };
      await complains([command, "s3://lonely"], away, 3, /there are no credentials: .*lockstep env/);
    });

    it(`${command}: something that is no S3 address`, async () => {
      await complains([command, "photos"], lab, 2, /"photos" is not an S3 address: write s3:\/\/BUCKET/);
    });
  }

  it("a malformed configuration file of AWS", async () => {
    const path = `${directory.path}/config`;
    writeFileSync(path, "this is [not a configuration\n");
    const environment = {
      ...nothing,
      AWS_ENDPOINT_URL: served.endpoint,
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_CONFIG_FILE: path,
    };
    await complains(["status", "s3://lonely", "--profile", "mine"], environment, 3, /there are no credentials/);
  });

  it("a replication configuration that is malformed is refused whole, and the one before stays", async () => {
    const s3 = s3Of(lab);
    const Rules = [{ Status: "Enabled" as const, Destination: { Bucket: "lonely" } }];
    const put = s3.putBucketReplication({ Bucket: "lonely", ReplicationConfiguration: { Role: "r", Rules } });
    await assert.rejects(put, { name: "MalformedXML" });
    await assert.rejects(s3.getBucketReplication({ Bucket: "lonely" }), {
      name: "ReplicationConfigurationNotFoundError",
    });
    s3.destroy();
  });

  it("an unknown option, and a command that there is not", async () => {
    const option = await lockstep(["status", "s3://lonely", "--colour"], lab);
    assert.deepEqual([option.status, option.stdout], [2, ""]);
    assert.match(option.stderr, /unknown option '--colour'/);
    const command = await lockstep(["replicate"], lab);
    assert.deepEqual([command.status, command.stdout], [2, ""]);
    assert.match(command.stderr, /unknown command 'replicate'/);
  });

  it("options that do not go together, and values out of range", async () => {
    await complains(["fix", "s3://lonely", "--apply", "--undo", "u-1"], lab, 2, /choose one of --apply/);
    await complains(["fix", "s3://lonely", "--undo", "u-1"], lab, 2, /nothing was applied to s3:\/\/lonely under u-1/);
    await complains(["fix", "s3://lonely", "--cause", "c-1"], lab, 2, /there is no cause c-1/);
    await complains(
      ["resync", "s3://lonely", "--status", "BROKEN"],
      lab,
      2,
      /--status is FAILED, NONE, COMPLETED, REPLICA/,
    );
    await complains(["resync", "s3://lonely", "--code", "Nope"], lab, 2, /there is no failure reason "Nope"/);
    await complains(["resync", "s3://lonely", "--canary", "0"], lab, 2, /--canary takes a whole number from 1/);
    await complains(["diagnose", "s3://lonely/no-such-key"], lab, 2, /there is no version of no-such-key/);
    await complains(["env", "--account", "42"], nothing, 2, /an account id has 12 digits/);
    await complains(
      ["up", "--port", "none", "--data", `${directory.path}/x`],
      nothing,
      2,
      /--port takes a port number/,
    );
  });

  it("a token that is not this lab's", async () => {
    const wrong = { ...lab, LOCKSTEP_CONSOLE_TOKEN: "wrong" };
    await complains(["resync", "s3://lonely"], wrong, 3, /answers 401: the token is missing or wrong.*lockstep env/);
  });

  it("env without a lab", async () => {
    await complains(
      ["env", "--data", `${directory.path}/none`],
      nothing,
      2,
      /there is no lab in .*none: start one with/,
    );
  });

  it("a port that is in use", async () => {
    const taken = createServer();
    await new Promise<void>((ready) => taken.listen(0, "127.0.0.1", ready));
    const address = taken.address();
    const port = String(typeof address === "object" ? address?.port : 0);
    const own = ["--data", `${directory.path}/ports`];
    await complains(
      ["up", ...own, "--port", port, "--console-port", "0"],
      nothing,
      3,
      new RegExp(`127.0.0.1:${port} is in use: .*choose another port`),
    );
    await complains(
      ["up", ...own, "--port", "0", "--console-port", port],
      nothing,
      3,
      new RegExp(`port ${port} is in use.*--console-port`),
    );
    taken.close();
  });

  it("a data directory that another process holds", async () => {
    const words = ["up", "--data", dataDir, "--port", "0", "--console-port", "0"];
    await complains(words, nothing, 2, /is in use by another process/);
  });

  for (const file of ["lab.db", "ledger.db"]) {
    it(`a data directory whose ${file} was written by a newer version`, async () => {
      const future = `${directory.path}/future-${file}`;
      const first = await serve(future, directory.path);
      await first.stop();
      const applicationId = file === "lab.db" ? 0x4c536c61 : LEDGER_ID;
      const migrations = Array.from({ length: 99 }, () => "");
      await openDatabase({ path: `${future}/${file}`, applicationId, migrations }).close();
      const words = ["up", "--data", future, "--port", "0", "--console-port", "0"];
      await complains(words, nothing, 2, /was written by a newer version of Lockstep .*upgrade Lockstep/);
    });
  }

  it("a data directory that is a file, or holds something else", async () => {
    const file = `${directory.path}/file`;
    writeFileSync(file, "");
    const words = (data: string) => ["up", "--data", data, "--port", "0", "--console-port", "0"];
    await complains(words(file), nothing, 2, /is not a directory|cannot be made/);
    const foreign = `${directory.path}/foreign`;
    mkdirSync(foreign);
    writeFileSync(`${foreign}/lab.db`, "not a database at all ".repeat(300));
    await complains(words(foreign), nothing, 2, /not a SQLite file/);
  });
});

/** "LSle" in ASCII. */
const LEDGER_ID = 0x4c536c65;
