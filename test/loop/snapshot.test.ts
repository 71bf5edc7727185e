/** Snapshots with the real binary: taken in one place, looked at in another, merged across accounts, without secrets. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Diagnosis } from "../../src/core/diagnose/report.ts";
import { parseSnapshot } from "../../src/doctor/snapshot.ts";
import { cleanEnvironment, type Environment, lockstep, temporaryDirectory } from "../e2e/binary.ts";
import { write } from "./objects.ts";
import { without } from "./policies.ts";
import { Standard } from "./standard.ts";
import { OTHER_ACCOUNT, REPLICA, SOURCE } from "./world.ts";

const WEBHOOK_TOKEN = "a-webhook-token-that-nobody-may-see";

describe("snapshots", () => {
  const directory = temporaryDirectory();
  const file = (name: string) => join(directory.path, name);
  /** No credentials, no endpoint. */
  const elsewhere = cleanEnvironment(directory.path);
  const secrets: string[] = [WEBHOOK_TOKEN];
  let set: Standard;
  let here: Environment;
  let there: Environment;

  before(async () => {
    set = await Standard.make(directory.path);
    const { world } = set;
    await set.editBucketPolicy("replica", (policy) => without(policy, "s3:ReplicateTags"));
    await write(set, ["plain", "tagged", "kms", "marker"]);
    const key = randomBytes(32);
    secrets.push(key.toString("base64"), key.toString("hex"));
    await set.source.s3.putBucketEncryption({
      Bucket: SOURCE,
      ServerSideEncryptionConfiguration: { Rules: [{ BlockedEncryptionTypes: { EncryptionType: ["NONE"] } }] },
    });
    await set.source.s3.putObject({
      Bucket: SOURCE,
      Key: "sealed",
      Body: "sealed",
      SSECustomerAlgorithm: "AES256",
      SSECustomerKey: key.toString("base64"),
      SSECustomerKeyMD5: createHash("md5").update(key).digest("base64"),
    });
    await world.order("PUT", "webhooks/told", { url: "http://127.0.0.1:9/", token: WEBHOOK_TOKEN });
    const told = { QueueArn: "arn:lockstep:webhook:::told", Events: ["s3:Replication:*" as const] };
    await set.source.s3.putBucketNotificationConfiguration({
      Bucket: SOURCE,
      NotificationConfiguration: { QueueConfigurations: [told] },
      SkipDestinationValidation: true,
    });
    await world.settle();
    here = { ...elsewhere, ...(await world.environment()), LOCKSTEP_MASK_SECRET: "the-secret-of-the-masks" };
    there = { ...elsewhere, ...(await world.environment(OTHER_ACCOUNT)) };
    for (const one of [here, there]) {
      for (const name of [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "LOCKSTEP_CONSOLE_TOKEN",
        "LOCKSTEP_MASK_SECRET",
      ]) {
        // The world's token is a word that stands in names of its buckets.
        const value = one[name];
        if (value !== undefined && value.length > 8) secrets.push(value);
      }
    }
  });
  after(async () => {
    await set.world.close();
    directory.remove();
  });

  async function type(environment: Environment, ...words: string[]) {
    const outcome = await lockstep(words, environment);
    for (const secret of secrets) {
      assert.ok(
        !outcome.stdout.includes(secret) && !outcome.stderr.includes(secret),
        `${words.join(" ")} tells a secret`,
      );
    }
    return outcome;
  }

  async function taken(environment: Environment, name: string, ...words: string[]): Promise<string> {
    const { status, stdout, stderr } = await type(environment, "snapshot", ...words);
    assert.equal(status, 0, stderr);
    writeFileSync(file(name), stdout);
    return stderr;
  }

  async function causesOf(environment: Environment, ...words: string[]) {
    const { status, stdout, stderr } = await type(environment, "diagnose", ...words, "--json");
    assert.ok(status === 0 || status === 1, stderr);
    const { causes, scanned } = JSON.parse(stdout) as Diagnosis;
    return { causes, scanned, stderr };
  }

  test("loop: a snapshot of both accounts is diagnosed and fixed without credentials as the buckets are with them", async () => {
    mkdirSync(join(directory.path, ".aws"), { recursive: true });
    const { accessKeyId, secretAccessKey } = await set.world.credentials(OTHER_ACCOUNT);
    secrets.push(secretAccessKey);
    const profile = [
      "[replica]",
      `aws_access_key_id = ${accessKeyId}`,
      `aws_secret_access_key = ${secretAccessKey}`,
      "",
    ];
    writeFileSync(join(directory.path, ".aws", "credentials"), profile.join("\n"));
    const across = ["--profile-for", `${OTHER_ACCOUNT}=replica`];
    await taken(here, "whole.json", `s3://${SOURCE}`, ...across);

    const { notification } = parseSnapshot(readFileSync(file("whole.json"), "utf8"), "whole.json").setup.source;
    assert.ok(notification?.state === "read" && notification.value[0]?.arn === "arn:lockstep:webhook:::told");
    const asked = await causesOf(here, `s3://${SOURCE}`, ...across);
    const told = await causesOf(elsewhere, "--snapshot", file("whole.json"));
    assert.deepEqual(told, asked);
    assert.ok(told.causes.some((one) => one.code === "DstPutTaggingNotPermitted" && one.confidence === "proven"));

    const patches = async (environment: Environment, ...words: string[]) => {
      const { stdout } = await type(environment, "fix", ...words, "--json");
      return (JSON.parse(stdout) as { readonly patches: readonly { readonly id: string }[] }).patches;
    };
    assert.deepEqual(
      await patches(elsewhere, "--snapshot", file("whole.json")),
      await patches(here, `s3://${SOURCE}`, ...across),
    );

    const explained = await type(elsewhere, "diagnose", `s3://${SOURCE}/tagged/1`, "--snapshot", file("whole.json"));
    assert.match(explained.stdout, /tagged\/1/);
    const unknown = await type(elsewhere, "diagnose", `s3://${SOURCE}/no-such-key`, "--snapshot", file("whole.json"));
    assert.deepEqual([unknown.status, /only of its kind/.test(unknown.stderr)], [2, true]);
  });

  test("loop: what one account may not read is named by its action, and filled by the other account's snapshot", async () => {
    const stderr = await taken(here, "here.json", `s3://${SOURCE}`);
    assert.match(stderr, new RegExp(`policy, .*of ${REPLICA}: not readable: s3:ListBucket denied`));
    await taken(there, "there.json", `s3://${REPLICA}`);
    const alone = await causesOf(elsewhere, "--snapshot", file("here.json"));
    assert.ok(alone.causes.every((one) => one.confidence !== "proven" || one.code !== "DstPutTaggingNotPermitted"));
    const both = ["--snapshot", file("there.json"), "--snapshot", file("here.json")];
    const merged = await causesOf(elsewhere, `s3://${SOURCE}`, ...both);
    const found = merged.causes.find((one) => one.code === "DstPutTaggingNotPermitted");
    assert.equal(found?.confidence, "proven");
    assert.deepEqual(
      found.fix.patches.map((one) => one.target),
      ["bucket-policy"],
    );
    const none = await type(elsewhere, "diagnose", "s3://another", ...both);
    assert.equal(none.status, 2);
    assert.match(none.stderr, /no snapshot of s3:\/\/another among these/);
  });

  test("loop: a masked snapshot tells neither accounts nor keys, and has the same causes, merged too", async () => {
    const masks = ["--mask", "--mask-keys"];
    await taken(here, "here-masked.json", `s3://${SOURCE}`, ...masks);
    const secret = { LOCKSTEP_MASK_SECRET: here["LOCKSTEP_MASK_SECRET"] };
    await taken({ ...there, ...secret }, "there-masked.json", `s3://${REPLICA}`, ...masks);
    await taken(here, "here.json", `s3://${SOURCE}`);
    await taken(there, "there.json", `s3://${REPLICA}`);
    const gist = async (...names: string[]) => {
      const { causes, scanned } = await causesOf(elsewhere, ...names.flatMap((one) => ["--snapshot", file(one)]));
      return { scanned, causes: causes.map((one) => `${one.code} ${one.confidence} ${one.affected.versions}`).sort() };
    };
    assert.deepEqual(await gist("here-masked.json"), await gist("here.json"));
    assert.deepEqual(await gist("here-masked.json", "there-masked.json"), await gist("here.json", "there.json"));
    const { stdout } = await type(here, "snapshot", `s3://${SOURCE}`, ...masks);
    for (const word of [OTHER_ACCOUNT, "tagged/1", "plain/1"]) assert.ok(!stdout.includes(word), word);
    assert.deepEqual(parseSnapshot(stdout, "masked").masked, ["accounts", "keys"]);
    const applied = await type(here, "fix", "--apply", "--snapshot", file("here-masked.json"));
    assert.deepEqual([applied.status, /masked snapshot names nothing/.test(applied.stderr)], [2, true]);
  });

  test("loop: --apply reads every document again, and writes nothing where one is not as in the snapshot", async () => {
    const across = ["--profile-for", `${OTHER_ACCOUNT}=replica`];
    await taken(here, "before.json", `s3://${SOURCE}`, ...across);
    const held = await set.bucketPolicy("replica");
    await set.editBucketPolicy("replica", (policy) => without(policy, "s3:ReplicateDelete"));
    const changed = await set.bucketPolicy("replica");
    const refused = await type(here, "fix", "--apply", "--yes", "--snapshot", file("before.json"), ...across);
    assert.equal(refused.status, 1);
    assert.match(
      refused.stderr,
      /every document is read again[\s\S]*has changed since it was read .*: nothing was applied/,
    );
    assert.deepEqual(await set.bucketPolicy("replica"), changed);
    await set.putBucketPolicy("replica", held);
    const applied = await type(here, "fix", "--apply", "--yes", "--snapshot", file("before.json"), ...across);
    assert.equal(applied.status, 0, applied.stderr);
    assert.notDeepEqual(await set.bucketPolicy("replica"), held);
  });
});
