/** `lockstep lint` as it is typed: exit statuses, forms of output, and conversion from form to form. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { checkSarif, type SarifLog } from "../lint/sarif-log.ts";
import { cleanEnvironment, lockstep, type Outcome, temporaryDirectory } from "./binary.ts";

describe("lint", () => {
  const directory = temporaryDirectory();
  const environment = cleanEnvironment(directory.path);
  after(() => directory.remove());

  const configuration = (prefix: string, status = "Enabled") => ({
    Role: "arn:aws:iam::111122223333:role/replication",
    Rules: [
      {
        ID: "one & only",
        Priority: 1,
        Status: "Enabled",
        Filter: { And: { Prefix: prefix, Tags: [{ Key: "a", Value: "1" }] } },
        DeleteMarkerReplication: { Status: "Disabled" },
        Destination: { Bucket: "arn:aws:s3:::photos-replica", Metrics: { Status: status } },
      },
    ],
  });
  const write = (name: string, content: unknown) =>
    writeFileSync(join(directory.path, name), typeof content === "string" ? content : JSON.stringify(content, null, 2));
  const type = async (...words: string[]): Promise<Outcome> =>
    await lockstep(["lint", ...words], environment, directory.path);

  write("good.json", configuration("Tax/"));
  write("bad.json", configuration("/Tax/"));
  write("refused.json", configuration("Tax/", "On"));
  write("trust.json", {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" }],
  });
  write("broken.json", '{\n  "Role": "a"\n  "Rules": []\n}\n');

  it("exits with 0 where there are notes only, and still prints them", async () => {
    const { status, stdout, stderr } = await type("good.json", "trust.json");
    assert.deepEqual([status, stderr], [0, ""]);
    assert.match(stdout, /^good\.json:4:5 note Versions that KMS encrypts are left out in silence$/m);
    assert.match(stdout, /2 files: 0 errors, 0 warnings, 2 notes/);
  });

  it("exits with 1 where there is a warning, and says where, what and what to do", async () => {
    const { status, stdout, stderr } = await type("bad.json");
    assert.deepEqual([status, stderr], [1, ""]);
    assert.match(stdout, /^bad\.json:10:21 warning A prefix begins with a slash/m);
    assert.match(stdout, /^ {2}Rules\[0\]\.Filter\.And\.Prefix {2}prefix-leading-slash$/m);
    assert.match(stdout, /^ {2}→ Write "Tax\/", unless/m);
  });

  it("names AWS's answer to what AWS would refuse", async () => {
    const { status, stdout } = await type("refused.json");
    assert.equal(status, 1);
    assert.match(stdout, /error AWS refuses the configuration: MalformedXML/);
    assert.match(stdout, /AWS answers 400 MalformedXML: The XML you provided was not well-formed/);
  });

  it("exits with 2 where a file cannot be read or understood, and checks the others", async () => {
    const { status, stdout, stderr } = await type("broken.json", "missing.json", "bad.json");
    assert.deepEqual([status, stderr], [2, ""]);
    assert.match(stdout, /^broken\.json:3:3 error The file cannot be read as a document$/m);
    assert.match(stdout, /a comma or } is expected: found "\\""/);
    assert.match(stdout, /^missing\.json:1:1 error[^\n]*\n[^\n]*\n {2}There is no such file\.$/m);
    assert.match(stdout, /^bad\.json:10:21 warning/m);
    const folder = await type(".");
    assert.equal(folder.status, 2);
    assert.match(folder.stdout, /It is a directory/);
  });

  it("exits with 2 for options that there are not", async () => {
    for (const words of [
      ["--kind", "policy"],
      ["--format", "xml"],
      ["--print", "toml"],
    ]) {
      const { status, stdout, stderr } = await type("good.json", ...words);
      assert.deepEqual([status, stdout], [2, ""]);
      assert.match(stderr, /^lockstep: --\w+ is one of .*, not "\w+"$/m);
    }
    assert.equal((await type()).status, 2);
  });

  it("prints JSON, with --json as with --format json", async () => {
    const one = await type("bad.json", "--json");
    const other = await type("bad.json", "--format", "json");
    assert.equal(one.stdout, other.stdout);
    const { files, counts, findings } = JSON.parse(one.stdout) as Record<string, unknown>;
    assert.deepEqual(files, [{ file: "bad.json", kind: "replication" }]);
    assert.deepEqual(counts, { error: 0, warning: 1, note: 2 });
    assert.equal((findings as unknown[]).length, 3);
  });

  it("prints SARIF", async () => {
    const { status, stdout } = await type("bad.json", "broken.json", "--format", "sarif");
    assert.equal(status, 2);
    const log = JSON.parse(stdout) as SarifLog;
    checkSarif(log);
    const places = log.runs[0]?.results.map(({ ruleId, locations: [first] }) => [
      ruleId,
      first?.physicalLocation.artifactLocation.uri,
    ]);
    assert.ok(places?.some(([rule, uri]) => rule === "prefix-leading-slash" && uri === "bad.json"));
    assert.ok(places?.some(([rule, uri]) => rule === "unreadable-document" && uri === "broken.json"));
  });

  it("prints a configuration from form to form, and the last is the first", async () => {
    const forms = ["yaml", "xml", "json"] as const;
    let file = "good.json";
    for (const form of forms) {
      const { status, stdout, stderr } = await type(file, "--print", form);
      assert.deepEqual([status, stderr], [0, ""]);
      file = `again.${form}`;
      write(file, stdout);
    }
    const read = (name: string) => JSON.parse(readFileSync(join(directory.path, name), "utf8")) as unknown;
    assert.deepEqual(read("again.json"), read("good.json"));
  });

  it("prints nothing that would read back as something else", async () => {
    write("number.json", { ...configuration("Tax/"), Role: 42 });
    const { status, stdout, stderr } = await type("number.json", "--print", "xml");
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(stderr, /as xml the document would read back differently/);
    const policy = await type("trust.json", "--print", "xml");
    assert.equal(policy.status, 2);
    assert.match(policy.stderr, /--print takes one replication configuration/);
  });
});
