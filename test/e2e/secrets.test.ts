/** Nothing that is secret is told: not in what commands print, not in what is logged, not in what is kept in files. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { IAM } from "@aws-sdk/client-iam";
import { STS } from "@aws-sdk/client-sts";
import { policy } from "../lab-batch/batch-lab.ts";
import {
  cleanEnvironment,
  type Environment,
  lockstep,
  type Outcome,
  type Served,
  serve,
  temporaryDirectory,
} from "./binary.ts";
import { consoleOf, endEngine, replication, TwoStores } from "./two-stores.ts";

const WAIT_MS_MAX = 30_000;

/** Every file below a directory, by path. */
function filesIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
}

function assertSilent(what: string, text: string, secrets: Readonly<Record<string, string>>): void {
  for (const [name, secret] of Object.entries(secrets)) {
    assert.ok(secret.length >= 8, `${name} is too short to be looked for`);
    assert.ok(!text.includes(secret), `${what} tells ${name}`);
  }
}

describe("secrets of whoever asks", () => {
  const home = temporaryDirectory();
  const secrets: Record<string, string> = {};
  let served: Served;
  /** Credentials of a session, and the console's token. */
  let environment: Environment;

  before(async () => {
    served = await serve(join(home.path, "data"), home.path, ["--example"]);
    const root = await served.environment();
    const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = root;
    const access = { endpoint: served.endpoint, region: "us-east-1", credentials: { accessKeyId, secretAccessKey } };
    const [iam, sts] = [new IAM(access), new STS(access)];
    try {
      const { Account } = await sts.getCallerIdentity({});
      const trust = policy({ Principal: { AWS: `arn:aws:iam::${Account ?? ""}:root` }, Action: "sts:AssumeRole" });
      const { Role } = await iam.createRole({ RoleName: "looker", AssumeRolePolicyDocument: trust });
      const PolicyDocument = policy({ Action: "*", Resource: "*" });
      await iam.putRolePolicy({ RoleName: "looker", PolicyName: "may", PolicyDocument });
      // A root may assume no role.
      await iam.createUser({ UserName: "person" });
      await iam.putUserPolicy({ UserName: "person", PolicyName: "may", PolicyDocument });
      const { AccessKey } = await iam.createAccessKey({ UserName: "person" });
      const own = { accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" };
      const person = new STS({ ...access, credentials: own });
      const { Credentials } = await person.assumeRole({ RoleArn: Role?.Arn ?? "", RoleSessionName: "looking" });
      person.destroy();
      environment = {
        ...root,
        AWS_ACCESS_KEY_ID: Credentials?.AccessKeyId,
        AWS_SECRET_ACCESS_KEY: Credentials?.SecretAccessKey,
        AWS_SESSION_TOKEN: Credentials?.SessionToken,
      };
      const line = readFileSync("test/fixtures/logs/access.log", "latin1");
      writeFileSync(join(home.path, "access.log"), line, "latin1");
      Object.assign(secrets, {
        "the root's key": secretAccessKey,
        "the user's key": own.secretAccessKey,
        "the session's key": Credentials?.SecretAccessKey ?? "",
        "the session's token": Credentials?.SessionToken ?? "",
        "the console's token": root["LOCKSTEP_CONSOLE_TOKEN"] ?? "",
      });
    } finally {
      iam.destroy();
      sts.destroy();
    }
  });
  after(async () => {
    await served.stop();
    home.remove();
  });

  async function type(words: readonly string[], more: Environment = {}): Promise<Outcome> {
    const outcome = await lockstep(words, { ...environment, ...more }, home.path);
    assertSilent(words.join(" "), outcome.stdout + outcome.stderr, secrets);
    return outcome;
  }

  const COMMANDS: readonly string[] = [
    "status s3://photos",
    "diagnose s3://photos",
    "diagnose s3://photos --cloudtrail",
    "diagnose s3://photos --json",
    "diagnose s3://photos --output photos.html",
    "fix s3://photos",
    "fix s3://photos --json",
    "fix s3://photos --format cli",
    "fix s3://photos --format terraform",
    "rehearse s3://photos",
    "rehearse s3://photos --json",
    "audit s3://photos --report-dir reports",
    "resync s3://photos --dry-run",
    "resync s3://photos --via batch --make-job-role mover --job-output s3://photos-replica/jobs --dry-run",
    "audit s3://photos --verify all --json --report-dir reports",
    "probe s3://photos-replica",
    "canary s3://photos --timeout 20s",
    "canary s3://photos --timeout 20s --json",
    "logs access.log",
    "logs access.log --json",
    "policy doctor",
    "alerts",
    "history",
    "jobs --json",
  ];

  for (const line of COMMANDS) {
    it(`stay untold by: lockstep ${line}`, async () => {
      const { status, stdout, stderr } = await type(line.split(" "));
      assert.ok(status === 0 || status === 1, `${status}: ${stderr}`);
      assert.notEqual(stdout + stderr, "");
    });
  }

  it("stay out of snapshots, and of what is told from them", async () => {
    const { status, stdout, stderr } = await type(["snapshot", "s3://photos"]);
    assert.equal(status, 0, stderr);
    writeFileSync(join(home.path, "facts.json"), stdout);
    for (const command of ["diagnose", "fix", "status", "rehearse"]) {
      const { stdout: told } = await type([command, "--snapshot", "facts.json", "--json"]);
      assert.notEqual(told, "");
    }
  });

  it("stay out of all that the console can be asked, its audit log among it", async () => {
    const token = secrets["the console's token"] ?? "";
    const ask = async (path: string) => {
      const answer = await fetch(`${served.consoleUrl}${path}`, { headers: { authorization: `Bearer ${token}` } });
      const text = await answer.text();
      assertSilent(path, `${JSON.stringify([...answer.headers])}${text}`, secrets);
      return { status: answer.status, text };
    };
    const { text } = await ask("/api/v1/openapi.json");
    const { paths } = JSON.parse(text) as {
      readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
    };
    // What streams does not end, and what names one thing has to be told which.
    const asked = Object.entries(paths).filter(
      ([path, calls]) => "get" in calls && !path.includes("{") && !path.endsWith("/events"),
    );
    let answered = 0;
    for (const [path] of asked) {
      const full = path.startsWith("/api/") ? path : `/api/v1${path}`;
      if ((await ask(`${full}?bucket=photos&key=2026/0001.jpg`)).status === 200) answered += 1;
    }
    assert.ok(answered >= 12, `${answered} of ${asked.length}`);
    assert.ok(asked.some(([path]) => /audit|changes/.test(path)));
  });

  it("stay untold when they are refused, and when nobody answers", async () => {
    const wrong = await type(["diagnose", "s3://photos"], { AWS_SESSION_TOKEN: `${secrets["the session's token"]}x` });
    assert.equal(wrong.status, 3);
    const nobody = await type(["status", "s3://photos", "--json"], { AWS_ENDPOINT_URL: "http://127.0.0.1:1" });
    assert.equal(nobody.status, 3);
    const stranger = await type(["jobs"], { LOCKSTEP_CONSOLE_URL: `${served.consoleUrl}/nowhere` });
    assert.notEqual(stranger.status, 0);
  });

  it("stay out of CloudTrail's records that the doctor reads, and of all that commands have filed", async () => {
    await type(["fix", "s3://photos", "--apply", "--yes"]);
    const files = filesIn(home.path).filter((one) => !one.startsWith(join(home.path, "data")));
    assert.ok(files.some((one) => one.endsWith("photos.html")));
    assert.ok(files.some((one) => one.includes("applied")));
    for (const one of files) assertSilent(one, readFileSync(one, "latin1"), secrets);
  });
});

describe("secrets of lockstep.yaml", () => {
  const secrets = {
    "the webhook's path": "T0000000-webhook-path",
    "the webhook's token": "token-of-the-webhook",
    "the webhook's HMAC key": "hmac-key-of-the-webhook",
    "the path of Slack": "B0000000-slack-path",
    "the key of PagerDuty": "0123456789abcdef0123456789abcdef",
    "the mail's password": "password-of-the-mail",
    "the secret key of SNS": "secret-access-key-of-the-topic",
  };
  const all: Record<string, string> = { ...secrets };
  let stores: TwoStores;
  let receiver: Server;
  let path = "";

  before(async () => {
    stores = await TwoStores.open();
    // Nobody takes a message: what failed is told of, and kept.
    receiver = createServer((request, response) => {
      request.resume();
      response.statusCode = 503;
      response.end(`cannot take ${request.url ?? ""} of ${request.headers.authorization ?? "nobody"}`);
    });
    receiver.listen(0, "127.0.0.1");
    await once(receiver, "listening");
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    Object.assign(stores.environment, {
      HOOK: `${url}/services/${secrets["the webhook's path"]}?key=${secrets["the webhook's path"]}`,
      HOOK_TOKEN: secrets["the webhook's token"],
      HOOK_HMAC: secrets["the webhook's HMAC key"],
      SLACK: `${url}/services/${secrets["the path of Slack"]}`,
      PAGER: secrets["the key of PagerDuty"],
      MAIL: secrets["the mail's password"],
      TOPIC_ID: "AKIATOPICTOPICTOPIC1",
      TOPIC_SECRET: secrets["the secret key of SNS"],
    });
    all["the key of here"] = stores.environment["HERE_SECRET"] ?? "";
    all["the key of there"] = stores.environment["THERE_SECRET"] ?? "";
    await stores.bucket("silent");
    await stores.there.putBucketPolicy(
      "silent",
      policy({ Effect: "Deny", Principal: "*", Action: "s3:PutObject", Resource: "arn:aws:s3:::silent/*" }),
    );
    await stores.here.putObject({
      bucket: "silent",
      key: "k",
      body: Buffer.from("k"),
      contentHeaders: {},
      userMetadata: {},
    });
    path = stores.configure(
      "silent",
      replication("silent"),
      `console: {port: 0}
intake: {scan: {every: 1s}}
alerts:
  every: 1s
  conditions: {newCause: {keep: 1s}}
  sinks:
    hook: {webhook: "\${HOOK}", token: "\${HOOK_TOKEN}", hmacKey: "\${HOOK_HMAC}"}
    chat: {slack: "\${SLACK}"}
    topic:
      sns: arn:aws:sns:us-east-1:111122223333:told
      endpoint: "${url}"
      credentials: {accessKeyId: "\${TOPIC_ID}", secretAccessKey: "\${TOPIC_SECRET}"}
    pager: {pagerduty: "\${PAGER}", url: "${url}"}
    mail: {email: "smtp://127.0.0.1:1", from: a@example.org, to: [b@example.org], user: u, password: "\${MAIL}", tls: none}`,
    );
  });
  after(async () => {
    receiver.closeAllConnections();
    receiver.close();
    await stores.close();
  });

  it("stay untold by run --check, in words and as JSON, also where the file is wrong", async () => {
    for (const words of [["--check"], ["--check", "--json"]]) {
      const { status, stdout, stderr } = await stores.run(path, ...words);
      assert.equal(status, 0, stdout + stderr);
      assertSilent(words.join(" "), stdout + stderr, all);
    }
    const wrong = join(stores.directory.path, "wrong.yaml");
    writeFileSync(wrong, readFileSync(path, "utf8").replace("webhook:", "webhok:").replace("slack:", "slack: 7\n#"));
    const { status, stdout, stderr } = await stores.run(wrong, "--check");
    assert.equal(status, 2);
    assertSilent("a wrong file", stdout + stderr, all);
  });

  it("stay out of what an engine says and keeps while every sink refuses", async () => {
    const child = stores.spawn(path, "--json");
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        said += chunk.toString();
      });
    try {
      const endMs = Date.now() + WAIT_MS_MAX;
      const until = async (isSo: () => boolean | Promise<boolean>) => {
        while (!(await isSo())) {
          assert.ok(Date.now() < endMs, `it did not happen: ${said}`);
          await sleep(100);
        }
      };
      const consoleUrl = await consoleOf(child);
      const known = { ...cleanEnvironment(stores.directory.path), LOCKSTEP_CONSOLE_URL: consoleUrl };
      const token = readFileSync(join(stores.directory.path, "lockstep.token"), "utf8").trim();
      all["the console's token"] = token;
      const asked = { ...known, LOCKSTEP_CONSOLE_TOKEN: token };
      const type = async (...words: string[]) => {
        const { stdout, stderr } = await lockstep(words, asked, stores.directory.path);
        assertSilent(words.join(" "), stdout + stderr, all);
        return stdout;
      };
      await until(async () => (await type("alerts", "--json")).includes("lastError"));
      assert.match(await type("alerts", "test", "--json"), /"ok": ?false/);
      await type("alerts", "test");
      for (const words of [["alerts"], ["status"], ["status", "--json"], ["history", "--json"], ["jobs"]])
        await type(...words);
    } finally {
      await endEngine(child, "SIGINT");
    }
    assertSilent("lockstep run", said, all);
    const kept = filesIn(stores.directory.path).filter((one) => /silent\.db/.test(one));
    assert.ok(kept.length > 0);
    for (const one of kept) assertSilent(one, readFileSync(one, "latin1"), all);
  });
});
