import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { assumedCapabilities, CAUTIOUS } from "./capabilities.ts";
import { S3Error } from "./errors.ts";
import { PROFILES, type ProviderProfile, profileOf } from "./profiles.ts";
import { recognise } from "./recognise.ts";

describe("recognise", () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ["server", "AmazonS3", "aws"],
    ["server", "MinIO", "minio"],
    ["server", "RustFS", "minio"],
    ["server", "SeaweedFS 30GB 4.42", "seaweedfs"],
    ["server", "WasabiS3/8.0.194-2026-03-18-d149c3595f", "wasabi"],
    ["x-amz-request-id", "tx00000e99f7659a1abc424-006b044e89-1038-zone-a", "ceph"],
    ["server", "nginx", "generic"],
    ["x-amz-request-id", "tx1", "generic"],
  ];
  for (const [header, value, expected] of rows) {
    it(`${header}: ${value} is the answer of ${expected}`, async () => {
      const requests: IncomingMessage[] = [];
      const server = createServer((request, response) => {
        requests.push(request);
        response.writeHead(403, { [header]: value, "content-type": "application/xml" });
        response.end("<Error><Code>AccessDenied</Code></Error>");
      });
      await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
      const { port } = server.address() as AddressInfo;
      try {
        const { profile, by } = await recognise(`http://127.0.0.1:${port}`);
        assert.equal(profile.name, expected);
        assert.equal(by, expected === "generic" ? "nothing" : "answer");
        const asked = requests.map(({ method, url, headers }) => [method, url, headers.authorization]);
        assert.deepEqual(asked, [["GET", "/", undefined]]);
      } finally {
        // Ends only when every connection is closed.
        await new Promise((done) => server.close(done));
      }
    });
  }

  it("a name that says whose it is needs no question", async () => {
    const { profile, by } = await recognise("https://account.r2.cloudflarestorage.com");
    assert.deepEqual([profile.name, by], ["r2", "name"]);
    assert.equal(profileOf("https://s3.us-east-005.backblazeb2.com"), PROFILES.b2);
    assert.equal(profileOf("https://bucket.s3.eu-central-1.wasabisys.com"), PROFILES.wasabi);
    assert.equal(profileOf("https://backblazeb2.com.example.org"), PROFILES.generic);
  });

  it("where nobody answers there is nothing to recognise", async () => {
    await assert.rejects(recognise("http://127.0.0.1:9"), (error) => error instanceof S3Error);
  });
});

describe("profiles", () => {
  const all: readonly ProviderProfile[] = Object.values(PROFILES);

  it("every profile has its own name, and a source for everything that it knows", () => {
    for (const [name, profile] of Object.entries(PROFILES)) assert.equal(profile.name, name);
    for (const { name, known } of all) {
      for (const [what, { source }] of Object.entries(known)) {
        assert.match(source, /^(https:\/\/\S+|radosgw [0-9.]+ .+)$/, `${name}: ${what}`);
      }
    }
  });

  it("what is known goes before what is assumed of a stranger", () => {
    assert.deepEqual(assumedCapabilities({}), CAUTIOUS);
    assert.deepEqual(assumedCapabilities(PROFILES.generic.known), CAUTIOUS);
    const garage = assumedCapabilities(PROFILES.garage.known);
    assert.deepEqual([garage.versioning, garage.versionIds, garage.tags], [false, "none", false]);
    assert.equal(assumedCapabilities(PROFILES.aws.known).markerHead, 405);
  });
});
