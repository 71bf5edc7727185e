/**
 * The walk-through by hand, with Debian's AWS CLI: the very lines of the README, typed into a shell.
 *
 * Needs the package `awscli`.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  BINARY,
  cleanEnvironment,
  type Environment,
  type Outcome,
  run,
  type Served,
  serve,
  temporaryDirectory,
} from "../e2e/binary.ts";

const AWS = "/usr/bin/aws";
const README = readFileSync("README.md", "utf8");

/** The shell block below a heading of the README. */
function block(heading: string): string {
  const from = README.indexOf(heading);
  assert.ok(from >= 0, `the README has no "${heading}"`);
  const text = /```sh\n([\s\S]*?)```/.exec(README.slice(from))?.[1];
  assert.ok(text !== undefined, `there are no commands below "${heading}"`);
  return text;
}

describe("the README's walk-through with Debian's AWS CLI", () => {
  const directory = temporaryDirectory();
  let served: Served;
  let environment: Environment;

  before(async () => {
    assert.ok(existsSync(AWS), "install Debian's package awscli: apt-get install awscli");
    served = await serve(`${directory.path}/.lockstep`, directory.path, ["--example"]);
    // As in a clone, where npx finds the command in the package itself.
    const npx = `#!/bin/sh\nshift\nexec ${process.execPath} ${BINARY} "$@"\n`;
    writeFileSync(`${directory.path}/npx`, npx, { mode: 0o755 });
    writeFileSync(`${directory.path}/README.md`, readFileSync(resolve("README.md")));
    environment = { ...cleanEnvironment(directory.path), PATH: `${directory.path}:/usr/bin:/bin`, AWS_PAGER: "" };
  });
  after(async () => {
    await served.stop();
    directory.remove();
  });

  /** Types lines into one shell that has been pointed at the lab; a line that fails ends it. */
  async function type(lines: string): Promise<Outcome> {
    const script = `shopt -s expand_aliases\neval "$(npx lockstep env)"\nalias labaws='aws --endpoint-url "$AWS_ENDPOINT_URL"'\nset -e\n${lines}`;
    return await run("/bin/bash", ["-c", script], environment, directory.path);
  }

  async function answer(line: string): Promise<string> {
    const outcome = await type(line);
    assert.equal(outcome.status, 0, outcome.stderr);
    return outcome.stdout.trim();
  }

  it("sees what is wrong: no status on a KMS object, COMPLETED on a plain one, REPLICA on its copy", async () => {
    const status = (bucket: string, key: string) =>
      answer(`labaws s3api head-object --bucket ${bucket} --key ${key} --query ReplicationStatus --output text`);
    assert.equal(await status("photos", "private/0001.jpg"), "None");
    assert.equal(await status("photos", "2026/0031.jpg"), "COMPLETED");
    assert.equal(await status("photos-replica", "2026/0031.jpg"), "REPLICA");
    assert.match((await type("labaws s3api head-object --bucket photos-replica --key private/0001.jpg")).stderr, /404/);
  });

  it("fixes both causes by the lines of the README, and a resync brings what was lost", async () => {
    const outcome = await type(block("**5. The same by hand**"));
    assert.equal(outcome.status, 0, `${outcome.stdout}\n${outcome.stderr}`);
    assert.match(outcome.stdout, /Replicated 90 versions \(30 FAILED, 60 not at the destination\)/);
    assert.match(outcome.stdout, /"ReplicationStatus": "REPLICA"/);
    const after = await type("npx lockstep status s3://photos");
    assert.equal(after.status, 0, after.stdout);
    assert.match(after.stdout, /331 versions: 331 COMPLETED/);
  });

  it("reads the same bytes, metadata and tags on both sides, under the same version id and the other key", async () => {
    const head = (bucket: string, key: string) =>
      answer(
        `labaws s3api head-object --bucket ${bucket} --key ${key} --query '[VersionId,Metadata,ContentType,LastModified]'`,
      );
    for (const key of ["2026/0067.jpg", "albums/0003.jpg", "private/0060.jpg"]) {
      assert.equal(await head("photos-replica", key), await head("photos", key));
      await answer(
        `labaws s3 cp s3://photos/${key} source && labaws s3 cp s3://photos-replica/${key} replica && cmp source replica`,
      );
      const tags = (bucket: string) => answer(`labaws s3api get-object-tagging --bucket ${bucket} --key ${key}`);
      assert.equal(await tags("photos-replica"), await tags("photos"));
    }
    const key = await answer(
      "labaws s3api head-object --bucket photos-replica --key private/0060.jpg --query SSEKMSKeyId --output text",
    );
    assert.match(key, /^arn:aws:kms:eu-west-1:/);
    const markers = (bucket: string) =>
      answer(
        `labaws s3api list-object-versions --bucket ${bucket} --query 'DeleteMarkers[].[Key,VersionId]' --output text`,
      );
    assert.equal(await markers("photos-replica"), await markers("photos"));
    assert.equal((await markers("photos")).split("\n").length, 30);
  });

  it("works with buckets of its own: multipart upload, download, list, remove, denied without rights", async () => {
    await answer("head -c 20000000 /dev/urandom > big");
    await answer(
      "labaws s3 mb s3://by-hand && labaws s3 cp big s3://by-hand/big && labaws s3 cp s3://by-hand/big back && cmp big back",
    );
    assert.match(await answer("labaws s3 ls s3://by-hand"), /20000000 big/);
    await answer("labaws iam create-user --user-name guest");
    const keys = await answer(
      "labaws iam create-access-key --user-name guest --query 'AccessKey.[AccessKeyId,SecretAccessKey]' --output text",
    );
    const [id = "", secret = ""] = keys.split(/\s+/);
    const denied = await type(
      `AWS_ACCESS_KEY_ID=${id} AWS_SECRET_ACCESS_KEY=${secret} aws --endpoint-url "$AWS_ENDPOINT_URL" s3 ls s3://by-hand`,
    );
    assert.notEqual(denied.status, 0);
    assert.match(denied.stderr, /AccessDenied/);
    await answer("labaws s3 rm s3://by-hand/big && labaws s3 rb s3://by-hand");
  });
});
