/**
 * `fix` and `rehearse` from files, at a terminal and against others: files of changes in every form, snapshots and changes
 * that nobody has made yet, questions that are answered, and a document that somebody else changed meanwhile.
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import type { S3 } from "@aws-sdk/client-s3";
import type { Patch } from "../../src/core/diagnose/report.ts";
import { type Environment, lockstep, type Outcome, type Served, serve, temporaryDirectory } from "./binary.ts";
import { s3Of } from "./sdk.ts";
import { noTerminal, typeAtTerminal } from "./terminal.ts";

const ROLE = { RoleName: "photos-replication", PolicyName: "replicate" };

/** A lab with the example in it, and the hands of its account. */
class Example {
  readonly directory = temporaryDirectory();
  environment: Environment = {};
  served: Served | undefined;
  s3: S3 | undefined;
  iam: IAM | undefined;

  async open(): Promise<void> {
    this.served = await serve(this.path("data"), this.directory.path, ["--example"]);
    this.environment = await this.served.environment();
    this.s3 = s3Of(this.environment);
    const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = this.environment;
    const credentials = { accessKeyId, secretAccessKey };
    this.iam = new IAM({ endpoint: this.served.endpoint, region: "us-east-1", credentials });
  }

  async close(): Promise<void> {
    this.s3?.destroy();
    this.iam?.destroy();
    await this.served?.stop();
    this.directory.remove();
  }

  path(name: string): string {
    return join(this.directory.path, name);
  }

  type(...words: string[]): Promise<Outcome> {
    return lockstep(words, this.environment, this.directory.path);
  }

  answer(words: readonly string[], ...answers: string[]) {
    return typeAtTerminal(words, answers, this.environment, this.directory.path);
  }

  /** Of nobody's credentials, and no endpoint: only files can be read with it. */
  offline(...words: string[]): Promise<Outcome> {
    const { PATH, HOME } = this.environment;
    return lockstep(words, { PATH, HOME, AWS_EC2_METADATA_DISABLED: "true" }, this.directory.path);
  }

  async rolePolicy(): Promise<string> {
    const { PolicyDocument = "" } = (await this.iam?.getRolePolicy(ROLE)) ?? {};
    return decodeURIComponent(PolicyDocument);
  }

  async rules(): Promise<unknown> {
    return (await this.s3?.getBucketReplication({ Bucket: "photos" }))?.ReplicationConfiguration;
  }
}

describe("fix and rehearse from files", () => {
  const example = new Example();
  before(async () => {
    await example.open();
    const { status, stdout, stderr } = await example.type("snapshot", "s3://photos");
    assert.equal(status, 0, stderr);
    writeFileSync(example.path("facts.json"), stdout);
  });
  after(() => example.close());

  const HOLDS: Readonly<Record<string, { readonly ending: string; readonly says: RegExp }>> = {
    diff: { ending: "diff", says: /^\+ +"s3:ReplicateDelete"/m },
    json: { ending: "json", says: /"target": "iam-role-policy"/ },
    cli: { ending: "sh", says: /iam put-role-policy --role-name photos-replication/ },
    terraform: { ending: "tf", says: /resource "aws_iam_role_policy"/ },
    cloudformation: { ending: "yaml", says: /AWS::IAM::/ },
  };

  for (const [format, { ending, says }] of Object.entries(HOLDS)) {
    it(`fix --format ${format} --output writes a file for each change, and the same as it prints`, async () => {
      const words = ["fix", "s3://photos", "--format", format];
      const { status, stdout, stderr } = await example.type(...words, "--output", `out/${format}`);
      assert.equal(status, 1, stderr);
      const files = readdirSync(example.path(`out/${format}`)).sort();
      assert.equal(files.length, 2);
      for (const [index, target] of ["iam-role-policy", "replication"].entries())
        assert.match(files[index] ?? "", new RegExp(`^${target}-p-\\w+\\.${ending}$`));
      assert.deepEqual(
        stdout.trim().split("\n").sort(),
        files.map((one) => `out/${format}/${one}`),
      );
      const texts = files.map((one) => readFileSync(example.path(`out/${format}/${one}`), "utf8"));
      assert.ok(
        texts.some((one) => says.test(one)),
        texts.join("\n"),
      );
      const printed = (await example.type(...words)).stdout;
      for (const text of format === "json" ? [] : texts) assert.ok(printed.includes(text.trim()), text);
    });
  }

  it("fix --output into what is no directory says so, and needs a --format", async () => {
    writeFileSync(example.path("taken"), "");
    const taken = await example.type("fix", "s3://photos", "--format", "diff", "--output", "taken");
    assert.equal(taken.status, 2);
    assert.match(taken.stderr, /^lockstep: \S*taken cannot be written to \(.*\)\n$/);
    const none = await example.type("fix", "s3://photos", "--output", "out");
    assert.deepEqual([none.status, none.stderr], [2, "lockstep: --output goes with --format\n"]);
  });

  it("fix and rehearse read a snapshot, and ask nobody", async () => {
    const live = await example.type("rehearse", "s3://photos", "--json");
    const filed = await example.offline("rehearse", "--snapshot", "facts.json", "--json");
    assert.deepEqual([filed.status, filed.stderr], [live.status, ""]);
    assert.deepEqual(kindsOf(filed), kindsOf(live));
    assert.ok(kindsOf(filed).length >= 5);
    const patches = await example.offline("fix", "--snapshot", "facts.json", "--format", "json");
    assert.equal(patches.status, 1, patches.stderr);
    assert.equal((JSON.parse(patches.stdout) as Patch[]).length, 2);
  });

  it("rehearse --with the patches of fix shows what they heal, from the bucket and from a snapshot alike", async () => {
    mkdirSync(example.path("with"), { recursive: true });
    const { stdout } = await example.type("fix", "s3://photos", "--format", "json");
    writeFileSync(example.path("with/patch.json"), stdout);
    const words = ["--with", "with/patch.json", "--json"];
    const live = await example.type("rehearse", "s3://photos", ...words);
    const filed = await example.offline("rehearse", "--snapshot", "facts.json", ...words);
    // What the example never wrote, objects with a bucket key, its fix does not care for.
    assert.deepEqual([live.status, filed.status], [1, 1], live.stderr + filed.stderr);
    assert.deepEqual(kindsOf(filed), kindsOf(live));
    assert.ok(kindsOf(filed).some((one) => one.change === "healed"));
    assert.ok(!kindsOf(filed).some((one) => one.change === "broken"));
  });

  it("rehearse --with a change that breaks something ends with 1, and with what it breaks", async () => {
    const held = JSON.parse(await example.rolePolicy()) as { Statement: { Action: string | string[] }[] };
    const Statement = held.Statement.map((one) => ({
      ...one,
      Action: [one.Action].flat().filter((action) => action !== "s3:ReplicateObject"),
    }));
    writeFileSync(example.path("with/policy.json"), JSON.stringify({ ...held, Statement }));
    const broken = await example.offline("rehearse", "--snapshot", "facts.json", "--with", "with/policy.json");
    assert.equal(broken.status, 1, broken.stderr);
    assert.match(broken.stdout, /DstPutObjectNotPermitted|s3:ReplicateObject/);
  });

  const WRONG: readonly (readonly [what: string, text: string | undefined, says: RegExp])[] = [
    ["that is not there", undefined, /^lockstep: given\.json (?:cannot be read|is not there)/],
    ["that is empty", "", /^lockstep: given\.json is not JSON/],
    ["that is no JSON", "{", /^lockstep: given\.json is not JSON/],
    ["that is another document", '{"a":1}', /^lockstep: given\.json holds neither patches nor/],
  ];
  for (const [what, text, says] of WRONG) {
    it(`rehearse --with a file ${what} says which, in one line`, async () => {
      if (text !== undefined) writeFileSync(example.path("given.json"), text);
      const { status, stdout, stderr } = await example.offline(
        "rehearse",
        "--snapshot",
        "facts.json",
        "--with",
        "given.json",
      );
      assert.deepEqual([status, stdout], [2, ""]);
      assert.match(stderr, says);
      assert.equal(stderr.trimEnd().split("\n").length, 1);
    });
  }
});

function kindsOf({ stdout }: Outcome): readonly { readonly change?: string }[] {
  return (JSON.parse(stdout) as { readonly kinds: readonly { readonly change?: string }[] }).kinds;
}

describe("questions at a terminal", { skip: noTerminal() }, () => {
  const example = new Example();
  before(() => example.open());
  after(() => example.close());

  const fix = ["fix", "s3://photos", "--apply"];

  it("fix --apply shows the calls and asks; n and nothing write nothing", async () => {
    const before = [await example.rolePolicy(), await example.rules()];
    for (const answer of ["n", "", "yess", "no"]) {
      const { status, stdout, questions } = await example.answer(fix, answer);
      assert.equal(status, 2, stdout);
      assert.deepEqual(questions, ["Write these 2 changes? [y/N] "]);
      assert.match(stdout, /put-role-policy.*put-bucket-replication|put-bucket-replication.*put-role-policy/s);
      assert.match(stdout, /nothing was written/);
      assert.deepEqual([await example.rolePolicy(), await example.rules()], before);
    }
    assert.match(
      (await example.type("fix", "s3://photos", "--history")).stdout,
      /Nothing was applied to s3:\/\/photos/,
    );
    assert.match((await example.type("fix", "--history")).stdout, /^Nothing was applied\.$/m);
  });

  it("fix --apply writes after y, and says how to take it back", async () => {
    const before = await example.rolePolicy();
    const { status, stdout, questions } = await example.answer(fix, "y");
    assert.equal(status, 0, stdout);
    assert.equal(questions.length, 1);
    assert.match(stdout, /in effect:.*--undo u-\w+/s);
    assert.notEqual(await example.rolePolicy(), before);
    assert.match(
      (await example.type("fix", "--history")).stdout,
      /^u-\w+ .* {2}s3:\/\/photos {2}2 patches, in force$/m,
    );
  });

  it("resync of the engine asks nobody, and neither does audit --repair: both only replicate again", async () => {
    const repaired = await example.answer(["audit", "s3://photos", "--repair", "--report-dir", "audits"], "n");
    assert.deepEqual(repaired.questions, [], repaired.stdout);
    assert.match(repaired.stdout, /COMPLETED/);
    const again = await example.answer(["resync", "s3://photos"], "n");
    assert.deepEqual([again.status, again.questions], [0, []], again.stdout);
  });
});

describe("questions before a job of S3 Batch", { skip: noTerminal() }, () => {
  const example = new Example();
  before(() => example.open());
  after(() => example.close());

  const words = ["resync", "s3://photos", "--via", "batch", "--make-job-role", "mover"].concat(
    "--job-output",
    "s3://photos-replica/jobs",
  );
  const roles = async () => (await example.iam?.listRoles({}))?.Roles?.map((one) => one.RoleName) ?? [];
  const statuses = async () => (await example.type("status", "s3://photos", "--json")).stdout;
  const failed = async () =>
    (JSON.parse(await statuses()) as { readonly scanned: { readonly failed: number } }).scanned.failed;

  it("n to the role makes none, and nothing else is asked", async () => {
    const { stdout, questions } = await example.answer(words, "n");
    assert.deepEqual(questions, ["Make the role mover? [y/N] "], stdout);
    assert.ok(!(await roles()).includes("mover"));
    assert.equal(await failed(), 30);
  });

  it("n to the job replicates nothing", async () => {
    await example.type("fix", "s3://photos", "--apply", "--yes");
    const { stdout, questions } = await example.answer(words, "y", "n");
    assert.equal(questions.length, 2, stdout);
    assert.match(questions[1] ?? "", /Replicate \d+ versions of s3:\/\/photos\? /);
    assert.equal(await failed(), 30);
  });

  it("y has it done", async () => {
    const { Role } = (await example.iam?.getRole({ RoleName: "mover" })) ?? {};
    const told = ["--job-role", Role?.Arn ?? "", "--job-output", "s3://photos-replica/jobs"];
    const { status, stdout, questions } = await example.answer([...words.slice(0, 4), ...told], "y");
    assert.deepEqual([status, questions.length], [0, 1], stdout);
    assert.equal(await failed(), 0);
  });
});

describe("a document that somebody else has changed", () => {
  const example = new Example();
  before(async () => {
    await example.open();
    writeFileSync(example.path("facts.json"), (await example.type("snapshot", "s3://photos")).stdout);
    await example.iam?.createUser({ UserName: "somebody" });
    const PolicyDocument = JSON.stringify({
      Version: "2012-10-17",
      Statement: { Effect: "Allow", Action: "iam:*", Resource: "*" },
    });
    await example.iam?.putUserPolicy({ UserName: "somebody", PolicyName: "may", PolicyDocument });
    const { AccessKey } = (await example.iam?.createAccessKey({ UserName: "somebody" })) ?? {};
    const somebody = new IAM({
      endpoint: example.served?.endpoint ?? "",
      region: "us-east-1",
      credentials: { accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" },
    });
    const held = await example.rolePolicy();
    await somebody.putRolePolicy({ ...ROLE, PolicyDocument: held.replace("s3:ReplicateTags", "s3:ReplicateNothing") });
    somebody.destroy();
  });
  after(() => example.close());

  it("is not written over: who changed it and when is told, in one line", async () => {
    const before = [await example.rolePolicy(), await example.rules()];
    const { status, stdout, stderr } = await example.type("fix", "--snapshot", "facts.json", "--apply", "--yes");
    assert.deepEqual([status, stdout], [1, ""], stderr);
    assert.match(stderr, /^lockstep: iam-role-policy of arn:\S+ \(replicate\) has changed since it was read/m);
    const who = /CloudTrail shows PutRolePolicy by \S*user\/somebody at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/;
    assert.match(stderr, who);
    assert.deepEqual([await example.rolePolicy(), await example.rules()], before);
  });

  it("tells how to find out where the history may not be read", async () => {
    await example.iam?.createUser({ UserName: "blind" });
    const PolicyDocument = JSON.stringify({
      Version: "2012-10-17",
      Statement: { Effect: "Allow", NotAction: "cloudtrail:*", Resource: "*" },
    });
    await example.iam?.putUserPolicy({ UserName: "blind", PolicyName: "may", PolicyDocument });
    const { AccessKey } = (await example.iam?.createAccessKey({ UserName: "blind" })) ?? {};
    const blind = {
      ...example.environment,
      AWS_ACCESS_KEY_ID: AccessKey?.AccessKeyId,
      AWS_SECRET_ACCESS_KEY: AccessKey?.SecretAccessKey,
    };
    const words = ["fix", "--snapshot", "facts.json", "--apply", "--yes"];
    const { status, stderr } = await lockstep(words, blind, example.directory.path);
    assert.equal(status, 1, stderr);
    assert.match(stderr, /CloudTrail could not be asked by whom \(.*cloudtrail:LookupEvents/);
    assert.match(stderr, /aws cloudtrail lookup-events --region us-east-1 .*AttributeValue=photos-replication\. /);
  });
});
