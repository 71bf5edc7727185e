/** Help is what it says: every command has it, and every example in it runs as it stands. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, rmSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { EXIT_STATUSES } from "../../src/cli/command.ts";
import { COMMANDS } from "../../src/cli/program.ts";
import { configuration, rolePolicy, TRUST } from "../../src/cli/up/example.ts";
import {
  cleanEnvironment,
  type Environment,
  installShim,
  lockstep,
  run,
  type Served,
  serve,
  temporaryDirectory,
} from "./binary.ts";

/** The documents that examples name. */
function writeDocuments(path: string): void {
  const role = "arn:aws:iam::111122223333:role/photos-replication";
  const key = (region: string) => `arn:aws:kms:${region}:111122223333:key/k`;
  const grant = { Effect: "Allow", Principal: { AWS: role }, Action: "s3:ReplicateObject" };
  const documents = {
    replication: configuration(role),
    role: rolePolicy(key("us-east-1"), key("eu-west-1")),
    trust: TRUST,
    "destination-policy": {
      Version: "2012-10-17",
      Statement: [{ ...grant, Resource: "arn:aws:s3:::photos-replica/*" }],
    },
  };
  for (const [name, document] of Object.entries(documents)) {
    writeFileSync(`${path}/${name}.json`, JSON.stringify(document, null, 2));
  }
  writeFileSync(`${path}/lockstep.yaml`, RUN_CONFIGURATION);
  cpSync("test/fixtures/logs/access.log", `${path}/access-logs/access.log`);
  cpSync("test/fixtures/logs/trail.json", `${path}/trail/trail.json`);
}

/** What no lint is for: a trail's log, and what the examples of snapshots write. */
const NO_DOCUMENTS = ["trail.json", "facts.json", "shown.json"];

/** Two buckets of the lab, and nothing to do between them. */
const RUN_CONFIGURATION = `
sites:
  lab: {endpoint: "\${AWS_ENDPOINT_URL}"}
replications:
  photos:
    source: {site: lab, bucket: photos}
    configuration:
      Rules:
        - ID: nothing
          Priority: 1
          Status: Enabled
          Filter: {Prefix: no-such-key}
          DeleteMarkerReplication: {Status: Disabled}
          Destination: {Bucket: arn:aws:s3:::photos-replica}
    destinations:
      arn:aws:s3:::photos-replica: {site: lab, bucket: photos-replica}
`;

describe("help", () => {
  const directory = temporaryDirectory();
  const nothing = cleanEnvironment(directory.path);
  const withShim: Environment = { ...nothing, PATH: `${directory.path}:${nothing["PATH"]}` };
  let served: Served;
  let lab: Environment;

  before(async () => {
    installShim(directory.path);
    writeDocuments(directory.path);
    served = await serve(`${directory.path}/.lockstep`, directory.path, ["--example"]);
    lab = { ...(await served.environment()), PATH: withShim["PATH"] };
  });
  after(async () => {
    await served.stop();
    directory.remove();
  });

  it("lists every command", async () => {
    const { status, stdout } = await lockstep(["--help"], nothing);
    assert.equal(status, 0);
    for (const { name, summary } of COMMANDS) assert.match(stdout, new RegExp(`^  ${name} .*`, "m"), summary);
  });

  for (const { name, options, examples } of COMMANDS) {
    it(`${name} --help says what it does, its options, its examples and its exit statuses`, async () => {
      const { status, stdout } = await lockstep([name, "--help"], nothing);
      assert.equal(status, 0);
      for (const { flags } of options) assert.ok(stdout.includes(flags), flags);
      for (const { type } of examples) assert.ok(stdout.includes(`$ ${type}`), type);
      for (const meaning of Object.values(EXIT_STATUSES)) assert.ok(stdout.includes(meaning), meaning);
    });

    for (const { does, type } of examples) {
      it(`the example "${type}" works: ${does}`, async () => {
        if (name === "up") return await servesUntilInterrupted(`${type} --port 0 --console-port 0`, withShim);
        if (type === "lockstep run -c lockstep.yaml") return await runsUntilInterrupted(type);
        writeDocuments(directory.path);
        // `*.json` means the documents, not what other examples read and write beside them.
        if (name === "lint") for (const made of NO_DOCUMENTS) rmSync(`${directory.path}/${made}`, { force: true });
        const { status, stderr } = await run("/bin/sh", ["-c", type], name === "env" ? withShim : lab, directory.path);
        assert.ok(status === 0 || status === 1, `status ${status}: ${stderr}`);
        assert.equal(stderr, "");
      });
    }
  }

  async function runsUntilInterrupted(line: string): Promise<void> {
    const child = spawn("/bin/sh", ["-c", `exec ${line}`], {
      env: lab,
      cwd: directory.path,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = new Promise<number | null>((done) => child.once("exit", (status) => done(status)));
    const [said] = (await once(child.stdout, "data")) as [Buffer];
    assert.match(said.toString(), /^replicating photos, scanning every 900 s; ctrl-C stops\n$/);
    child.kill("SIGINT");
    assert.equal(await ended, 0);
  }

  /** Free ports in place of the usual ones, and a directory of its own: somebody may use the usual ones. */
  async function servesUntilInterrupted(line: string, environment: Environment): Promise<void> {
    const elsewhere = temporaryDirectory();
    const child = spawn("/bin/sh", ["-c", `exec ${line}`], {
      env: environment,
      cwd: elsewhere.path,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    const ended = new Promise<number | null>((done) => child.once("exit", (status) => done(status)));
    await new Promise<void>((ready, failed) => {
      child.stdout.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes("In another terminal:")) ready();
      });
      child.once("exit", () => failed(new Error(`it ended: ${text}`)));
    });
    assert.ok(text.split("\n").length <= 24, "it is more than a screen");
    child.kill("SIGINT");
    assert.equal(await ended, 0);
    elsewhere.remove();
  }
});
