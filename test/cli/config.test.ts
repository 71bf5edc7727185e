/** `lockstep.yaml`: every mistake is told at once, with its line; the cases are files that anybody could add to. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ConfigError, issueWords } from "../../src/cli/config/issues.ts";
import { readConfiguration } from "../../src/cli/config/read.ts";
import { printSchema } from "../../src/cli/config/schema.ts";
import type { RunSettings } from "../../src/cli/config/settings.ts";
import { CONDITION_DEFAULTS, DEFAULT_ALERT_SETTINGS } from "../../src/monitor/alerts/settings.ts";

/** A case: what is wrong stands in `# expect:` comments of the file, one line each, in the order of lines. */
const CASES = "test/fixtures/run-config";
const STORE = "http://127.0.0.1:9000";
const ENVIRONMENT = { KEY: "AKIA", SECRET: "hidden", STORE, PASSWORD: "p" };

describe("the configuration of run", () => {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-config-"));
  after(() => rmSync(directory, { recursive: true, force: true }));

  function read(text: string): RunSettings {
    const file = join(directory, "lockstep.yaml");
    writeFileSync(file, text);
    return readConfiguration(file, ENVIRONMENT);
  }

  function issuesIn(file: string): string[] {
    try {
      readConfiguration(file, ENVIRONMENT);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.issues.map((one) => issueWords({ ...one, file: "" }).replace(/^:/, ""));
    }
    return [];
  }

  for (const name of readdirSync(CASES).filter((one) => one.endsWith(".case.yaml"))) {
    it(`${name.replace(/\.case\.yaml$/, "").replaceAll("-", " ")}: is told as it stands in the file`, () => {
      const path = join(CASES, name);
      const expected = [...readFileSync(path, "utf8").matchAll(/^# expect: (.*)$/gm)].map(([, line]) => line);
      assert.deepEqual(issuesIn(path), expected);
    });
  }

  it("has no case that nobody sees", () => {
    assert.ok(readdirSync(CASES).filter((one) => one.endsWith(".case.yaml")).length >= 8);
  });

  it("is told to be missing, a directory, or no YAML", () => {
    assert.match(issuesIn(join(directory, "nowhere.yaml")).join(), /ENOENT/);
    assert.match(issuesIn(directory).join(), /EISDIR/);
    writeFileSync(join(directory, "broken.yaml"), "sites:\n  a: [\n");
    assert.match(issuesIn(join(directory, "broken.yaml")).join(), /^[23]: expected a configuration in YAML/);
  });

  it("fills in what is left out", () => {
    const settings = read(`
sites:
  aws: {}
  dr: {endpoint: http://dr.example.org:8080, provider: ceph, credentials: {accessKeyId: "\${KEY}", secretAccessKey: "\${SECRET}"}}
  lab: {endpoint: "\${STORE}"}
replications:
  photos:
    source: {site: aws, bucket: photos}
    configuration: {fromBucket: true}
    destinations:
      arn:aws:s3:::photos-dr: {site: dr, bucket: photos}
limits:
  dr: {requestsPerSecond: 100}
`);
    assert.deepEqual(settings.sites.get("aws")?.endpoint, "https://s3.us-east-1.amazonaws.com");
    assert.equal(settings.sites.get("aws")?.profile.name, "aws");
    assert.equal(settings.sites.get("aws")?.addressing, "virtual");
    assert.deepEqual(settings.sites.get("aws")?.credentials, { kind: "environment" });
    const dr = settings.sites.get("dr");
    assert.deepEqual(dr?.credentials, { kind: "keys", accessKeyId: "AKIA", secretAccessKey: "hidden" });
    assert.deepEqual([dr?.profile.name, dr?.addressing, dr?.region], ["ceph", "path", "us-east-1"]);
    assert.deepEqual(dr?.limits, { requestsPerSecond: 100 });
    assert.equal(settings.sites.get("lab")?.endpoint, "http://127.0.0.1:9000");
    assert.equal(settings.scanEveryMs, 900_000);
    assert.equal(settings.ledgerUrl, `sqlite:${join(directory, "lockstep.db")}`);
    assert.equal(settings.console, undefined);
    const [replication] = settings.replications;
    assert.deepEqual(replication?.source, { name: "photos", site: "aws", bucket: "photos" });
    assert.deepEqual(
      [...(replication?.destinations ?? [])],
      [["arn:aws:s3:::photos-dr", { name: "photos-dr", site: "dr", bucket: "photos" }]],
    );
    assert.equal(replication?.configuration, undefined);
  });

  it("takes rules from the file itself, from JSON and from XML, with and without a role", () => {
    const rule = {
      ID: "r",
      Status: "Enabled",
      Priority: 1,
      Filter: {},
      DeleteMarkerReplication: { Status: "Enabled" },
      Destination: { Bucket: "arn:aws:s3:::b" },
    };
    writeFileSync(
      join(directory, "rules.json"),
      JSON.stringify({ Role: "arn:aws:iam::111122223333:role/r", Rules: [rule] }),
    );
    writeFileSync(
      join(directory, "rules.xml"),
      `<ReplicationConfiguration><Rule><ID>r</ID><Status>Enabled</Status><Priority>1</Priority><Filter/>
       <DeleteMarkerReplication><Status>Enabled</Status></DeleteMarkerReplication>
       <Destination><Bucket>arn:aws:s3:::b</Bucket></Destination></Rule></ReplicationConfiguration>`,
    );
    const inline = JSON.stringify({ Rules: [rule] });
    const rules = [inline, "{file: rules.json}", "{file: rules.xml}"].map(
      (configuration) =>
        read(`
sites: {a: {endpoint: http://a}, b: {endpoint: http://b}}
replications:
  r: {source: {site: a, bucket: a-bucket}, configuration: ${configuration}, destinations: {"arn:aws:s3:::b": {site: b, bucket: b-bucket}}}
`).replications[0]?.configuration?.rules,
    );
    assert.equal(rules[0]?.[0]?.destination.bucketArn, "arn:aws:s3:::b");
    assert.equal(rules[0]?.[0]?.deleteMarkers, true);
    assert.deepEqual(rules[1], rules[0]);
    assert.deepEqual(rules[2], rules[0]);
  });

  describe("of alerts", () => {
    const alerts = (section: string) =>
      read(`
sites: {a: {endpoint: http://a}, b: {endpoint: http://b}}
replications:
  r: {source: {site: a, bucket: a-bucket}, configuration: {fromBucket: true}, destinations: {"arn:aws:s3:::b": {site: b, bucket: b-bucket}}}
${section}`).alerts;

    it("has defaults for all conditions, and tells nobody", () => {
      assert.deepEqual(alerts(""), { settings: DEFAULT_ALERT_SETTINGS, sinks: [] });
    });

    it("changes conditions one by one; the lower bound keeps its distance", () => {
      const { conditions } = alerts(
        "alerts: {conditions: {lag: {over: 6m, repeat: 0s}, failed: {over: 10, below: 2, severity: info}, drift: false}}",
      ).settings;
      const { lag, failed, drift, newCause } = conditions;
      assert.deepEqual([lag?.over, lag?.below, lag?.repeatMs, lag?.forMs], [360_000, 240_000, 0, 300_000]);
      assert.deepEqual([failed?.over, failed?.below, failed?.severity], [10, 2, "info"]);
      assert.equal(drift, undefined);
      assert.deepEqual(newCause, CONDITION_DEFAULTS.newCause);
      assert.throws(
        () => alerts("alerts: {conditions: {lag: {over: 5m, below: 10m}}}"),
        /lag\.below: .*a bound that is/,
      );
    });

    it("takes secrets of sinks from the environment", () => {
      const { sinks } = alerts(`
alerts:
  sinks:
    hook: {webhook: "\${STORE}", token: "\${KEY}", hmacKey: "\${SECRET}", severity: critical}
    pager: {pagerduty: "\${KEY}"}
    topic: {sns: arn:aws:sns:eu-west-1:111122223333:t, credentials: {profile: ops}}
    mail: {email: smtp://mail.example.org, from: a@example.org, to: [b@example.org], user: u, password: "\${SECRET}"}
`);
      const email = { kind: "email", host: "mail.example.org", port: 587, tls: "required", from: "a@example.org" };
      assert.deepEqual(sinks, [
        { name: "hook", severity: "critical", kind: "webhook", url: STORE, token: "AKIA", hmacKey: "hidden" },
        { name: "pager", severity: "info", kind: "pagerduty", routingKey: "AKIA" },
        {
          name: "topic",
          severity: "info",
          kind: "sns",
          topicArn: "arn:aws:sns:eu-west-1:111122223333:t",
          credentials: { kind: "profile", profile: "ops" },
        },
        { name: "mail", severity: "info", ...email, to: ["b@example.org"], user: "u", password: "hidden" },
      ]);
    });
  });

  it("never repeats what may be a secret", () => {
    for (const name of ["plain-secrets", "alerts-that-cannot-be"]) {
      const text = readFileSync(join(CASES, `${name}.case.yaml`), "utf8").replace(/^#.*$/gm, "");
      assert.throws(
        () => read(text),
        (error) => error instanceof ConfigError && !/verysecret/.test(JSON.stringify(error.issues) + error.message),
      );
    }
  });

  it("needs no replication where buckets are watched that AWS replicates", () => {
    const { watched, replications } = read("sites: {aws: {}}\nwatched: {photos: {site: aws, bucket: photos-eu}}\n");
    assert.deepEqual(watched, [{ name: "photos", site: "aws", bucket: "photos-eu", everyMs: 300_000 }]);
    assert.deepEqual(replications, []);
  });

  it("is published as a JSON Schema that is not stale", () => {
    // Made by: lockstep run --schema > schema/lockstep.schema.json
    assert.equal(readFileSync("schema/lockstep.schema.json", "utf8"), printSchema());
    const schema = JSON.parse(printSchema()) as { required: string[]; properties: Record<string, object> };
    assert.deepEqual(schema.required, ["sites"]);
    assert.ok(JSON.stringify(schema.properties["sites"]).includes("endpoint"));
  });
});
